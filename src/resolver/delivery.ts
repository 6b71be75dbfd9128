import { RunningSha256 } from '../gomod/sha256.ts';
import type { ArtifactId } from '../gomod/module.ts';
import type { FillAsk, GrowingBody } from '../sources/source.ts';
import { AppError, isAppError, toAppError } from '../std/errors.ts';
import { Arriving } from './arriving.ts';
import type { Work } from './flight.ts';
import type { Level } from '../ladder/level.ts';
import type { Fetched, StoredArtifact } from './needs.ts';

/** Bytes read at a time to compare two beginnings. */
const COMPARED_BYTES = 256 * 1024;

interface DeliveryParts {
  readonly id: ArtifactId;
  readonly work: Pick<Work<Fetched>, 'offer' | 'hold'>;
  /** Larger zips are sent while they come in; smaller ones when they are stored. */
  readonly aboveBytes: number;
}

/**
 * One artifact on its way to those who wait for it, over all the sources that are tried. When the body of one breaks off, whoever was reading it goes on
 * with the next one's, but only after that has been found to begin with the very same bytes; else the reader fails.
 */
export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #offered: Arriving[] = [];
  /** Of those, what broke off and may go on. */
  #broken: Arriving[] = [];
  #isOffering = false;
  #isOver = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /** The turn of one source, whose answer is of `level`. Several may have theirs at a time; only one of them is sent while it comes in. */
  turn(source: string, level: Level | undefined): Turn {
    return new Turn(this, source, level);
  }

  /** Nobody else is tried: what has not come to its end by now fails, with `error` or because nobody went on with it. */
  end(error?: AppError): void {
    this.#isOver = true;
    for (const arriving of this.#offered) arriving.fail(error ?? notContinued(arriving));
  }

  /** Whether a body of this announced size is sent while it comes in. Without an announced size nobody could tell a cut body from a whole one. */
  isSentEarly(expectedBytes: number | undefined): expectedBytes is number {
    return this.#parts.id.kind === 'zip' && expectedBytes !== undefined && expectedBytes > this.#parts.aboveBytes;
  }

  /** An arriving zip, given to all who take it, until `withdraw` is called. Undefined while another's is. */
  offer({ source, level }: Offerer, sizeBytes: number, body: GrowingBody): Offer | undefined {
    if (this.#isOffering) return undefined;
    this.#isOffering = true;
    const { id, work } = this.#parts;
    const artifact = new Arriving({ id, source, sizeBytes, body, hold: () => work.hold() });
    this.#offered.push(artifact);
    if (this.#isOver) this.end();
    const takeBack = work.offer({ artifact, level });
    const withdraw = (): void => {
      this.#isOffering = false;
      takeBack();
    };
    return { arriving: artifact, withdraw };
  }

  /** `arriving` broke off. */
  broke(arriving: Arriving): void {
    this.#broken.push(arriving);
  }

  /** Takes those of what broke off that `arriving` has come as far as. */
  takeBroken(arriving: Arriving): readonly Arriving[] {
    const isReached = (one: Arriving): boolean =>
      one.record.sizeBytes === arriving.record.sizeBytes && one.body.receivedBytes <= arriving.body.receivedBytes;
    const reached = this.#broken.filter(isReached);
    if (reached.length > 0) this.#broken = this.#broken.filter((one) => !reached.includes(one));
    return reached;
  }
}

/** Who sends. */
interface Offerer {
  readonly source: string;
  readonly level: Level | undefined;
}

interface Offer {
  readonly arriving: Arriving;
  readonly withdraw: () => void;
}

/** What one source sends. Ends with `landed` or `failed`. */
export class Turn {
  readonly #delivery: Delivery;
  readonly #offerer: Offerer;
  #offered: Offer | undefined;
  readonly #proofs: Promise<void>[] = [];

  constructor(delivery: Delivery, source: string, level: Level | undefined) {
    this.#delivery = delivery;
    this.#offerer = { source, level };
  }

  /** What the spool is to be told. */
  watching(o: FillAsk): FillAsk {
    const { expectedBytes } = o;
    if (!this.#delivery.isSentEarly(expectedBytes)) return o;
    return { ...o, onGrown: (body) => this.#grew(body, expectedBytes) };
  }

  /** Resolves when all comparisons with what broke off are done: they need the body in its spool. Never rejects. */
  async compared(): Promise<void> {
    await Promise.all(this.#proofs);
  }

  /** The body, of this hex SHA-256, is `stored`. */
  landed(stored: StoredArtifact, sha256: string): void {
    this.#offered?.arriving.settle(stored, sha256);
  }

  /** The source failed. A body that broke off may be continued by another's; a wrong one may not. */
  failed(error: AppError): void {
    if (this.#offered === undefined) return;
    const { arriving, withdraw } = this.#offered;
    withdraw();
    if (isAppError(error, 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT')) this.#delivery.broke(arriving);
    else arriving.fail(error);
  }

  #grew(body: GrowingBody, sizeBytes: number): void {
    this.#offered ??= this.#delivery.offer(this.#offerer, sizeBytes, body);
    if (this.#offered === undefined) return;
    const { arriving } = this.#offered;
    arriving.grew();
    for (const broken of this.#delivery.takeBroken(arriving)) this.#proofs.push(continueOrFail(broken, arriving));
  }
}

/** Never rejects. */
async function continueOrFail(broken: Arriving, heir: Arriving): Promise<void> {
  const { receivedBytes } = broken.body;
  try {
    if ((await sha256Of(heir.body, receivedBytes)) === broken.body.sha256()) return broken.continueAs(heir);
    broken.fail(notContinued(broken));
  } catch (error) {
    broken.fail(toAppError(error, 'compare two bodies'));
  }
}

function notContinued({ id }: Arriving): AppError {
  return new AppError(
    'UPSTREAM_UNAVAILABLE',
    `send ${id.module.path}@${id.module.version}: broke off, and no other source went on with the same bytes`,
  );
}

/** Hex SHA-256 of the first `length` bytes, or of fewer when there are not so many. */
async function sha256Of(body: GrowingBody, length: number): Promise<string> {
  const hash = new RunningSha256();
  const buffer = Buffer.allocUnsafeSlow(Math.min(COMPARED_BYTES, length));
  for (let at = 0; at < length; ) {
    const read = await body.read(at, buffer.subarray(0, length - at));
    if (read === 0) break;
    hash.add(buffer.subarray(0, read));
    at += read;
  }
  return hash.hex();
}
