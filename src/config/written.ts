/** One value as somebody wrote it, and where. */
export interface Written {
  readonly key: string;
  /** Not checked yet: any scalar, or list of scalars or rows. */
  readonly value: unknown;
  /** `file larder.yaml:12`, `environment LARDER_LISTEN`, `flag --listen`. */
  readonly origin: string;
  /** Folder that relative paths start from. */
  readonly folder: string;
  /** Of each row, when the value is a list of rows and they stand in lines of their own. */
  readonly rowOrigins?: readonly string[];
  /** Whether it was not written for Larder but for the go command. */
  readonly isGos?: boolean;
}
