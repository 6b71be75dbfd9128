import { createServer, type TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import { type Authority, type Certificate, createAuthority, issueLeaf, issueSelfSigned } from './certificate.ts';
import type { BadCertificate, TlsFault } from './fault.ts';

const DAY_MS = 86_400_000;

/** Speaks TLS on connections that are there already, with a certificate as good or as bad as wanted. Opens nothing by itself. */
export class TlsFronts {
  /** PEM of the authority that vouches for all certificates but the strange ones: to be trusted by the clients. */
  readonly authority: string;
  readonly #authority: Authority = createAuthority({ subject: 'Larder fault proxy' });
  readonly #names: readonly string[];
  readonly #certificates = new Map<BadCertificate | undefined, Certificate>();

  /** `names` = hosts and addresses that the good certificate is for. */
  constructor(names: readonly string[]) {
    this.#names = names;
    this.authority = this.#authority.cert;
  }

  /** Begins the handshake on `connection`, spoiled by the first of the faults; `onSecure` is called when it succeeds. A failed one ends the connection. */
  accept(connection: Duplex, faults: readonly TlsFault[], onSecure: (socket: TLSSocket) => void): void {
    const [fault] = faults;
    if (fault?.kind === 'handshake-stall') return;
    const bad = fault?.kind === 'certificate' ? fault.is : undefined;
    const certificate = this.#certificates.get(bad) ?? this.#certificate(bad);
    this.#certificates.set(bad, certificate);
    // OpenSSL allows the signatures of TLS 1.1 at its lowest level only.
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    // One for each connection: a shared one would not say which of them has become secure.
    const server = createServer({ ...certificate, ...(fault?.kind === 'old-tls' && old) }, onSecure);
    server.on('tlsClientError', () => connection.destroy());
    server.emit('connection', connection);
  }

  #certificate(bad: BadCertificate | undefined): Certificate {
    const now = Date.now();
    const wish = { subject: 'Larder fault proxy leaf', names: this.#names };
    if (bad === 'expired')
      return issueLeaf({ ...wish, validFrom: now - 2 * DAY_MS, validUntil: now - DAY_MS }, this.#authority);
    if (bad === 'not-yet-valid')
      return issueLeaf({ ...wish, validFrom: now + DAY_MS, validUntil: now + 2 * DAY_MS }, this.#authority);
    if (bad === 'wrong-name') return issueLeaf({ ...wish, names: ['another.invalid'] }, this.#authority);
    if (bad === 'self-signed') return issueSelfSigned(wish);
    if (bad === 'unknown-authority') return issueLeaf(wish, createAuthority({ subject: 'Nobody knows' }));
    return issueLeaf(wish, this.#authority);
  }
}
