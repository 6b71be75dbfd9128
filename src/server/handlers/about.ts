import type { Exchange } from '../exchange.ts';
import { sendText } from '../reply.ts';

/** No address is printed: it could only come from the Host header, which is the sender's word. */
const page = `Larder: a Go module mirror.

Point the go command at the address of this page, without its last slash:

    go env -w GOPROXY=ADDRESS          or          export GOPROXY=ADDRESS

Then build as always. Only what is stored already: GOPROXY=ADDRESS/cached-only
For those who run it: /livez /startupz /readyz /healthz /healthz/deep /metrics /status
`;

/** Answers `/` with what this is and how to use it. */
export function answerAbout(x: Exchange): void {
  sendText(x, { status: 200, body: page, cacheControl: 'public, max-age=3600' });
}
