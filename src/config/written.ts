/** One value as somebody wrote it, and where. */
export interface Written {
  readonly key: string;
  /** Not checked yet: any scalar or list of scalars. */
  readonly value: unknown;
  /** `file larder.yaml:12`, `environment LARDER_LISTEN`, `flag --listen`. */
  readonly origin: string;
  /** Folder that relative paths start from. */
  readonly folder: string;
  /** Whether it was not written for Larder but for the go command. */
  readonly isGos?: boolean;
}
