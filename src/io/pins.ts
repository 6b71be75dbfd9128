import { createHash, X509Certificate } from 'node:crypto';
import { checkServerIdentity, type DetailedPeerCertificate, type PeerCertificate } from 'node:tls';

/** Which public keys a server's chain of certificates must have one of. */
export interface Pins {
  /** `sha256/` and the strict base64 of the SHA-256 of a SubjectPublicKeyInfo, each. */
  readonly digests: readonly string[];
  /** Is told when every pin is in the chain, so that none is a backup. May be called often. */
  readonly onNoBackup?: () => void;
}

/** `error.code` of a chain that no pin fits. */
export const PIN_MISMATCH = 'PIN_MISMATCH';

const LONGEST_CHAIN = 16;

/**
 * What the handshake asks about a certificate that leads to a trusted authority: why the server is not who it should be, or undefined when it is. First its name, then the
 * pins. It is asked before anything is sent; a session that is resumed has been asked about.
 */
export function pinnedIdentity({
  digests,
  onNoBackup,
}: Pins): (host: string, certificate: PeerCertificate) => Error | undefined {
  return (host, certificate) => {
    const stranger = checkServerIdentity(host, certificate);
    if (stranger !== undefined) return stranger;
    const present = new Set(chainOf(certificate as DetailedPeerCertificate).map(digestOf));
    const fitting = digests.filter((digest) => present.has(digest));
    if (fitting.length === 0) return Object.assign(new Error('no pin fits the certificates'), { code: PIN_MISMATCH });
    if (fitting.length === digests.length) onNoBackup?.();
    return undefined;
  };
}

/**
 * From the server's own certificate up, as far as each was really signed by the next: a server may send whatever it likes besides, and OpenSSL
 * puts the chain that it shows together by names alone.
 */
function chainOf(own: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain = [new X509Certificate(own.raw)];
  for (let at = own.issuerCertificate; at !== undefined && chain.length < LONGEST_CHAIN; at = at.issuerCertificate) {
    const [below, issuer] = [chain.at(-1), new X509Certificate(at.raw)];
    if (below?.fingerprint256 === issuer.fingerprint256) break;
    if (!issuer.ca || below?.verify(issuer.publicKey) !== true) break;
    chain.push(issuer);
  }
  return chain;
}

function digestOf(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}
