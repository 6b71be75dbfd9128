import type { HttpPage, PageAsk } from '../../src/io/http-page.ts';
import { AppError } from '../../src/std/errors.ts';

/** Status, HTML, and Location where there is one. */
export type WrittenPage = readonly [status: number, html: string, location?: string | null];

/** A web of pages by `host/path`, over plain http: https is refused everywhere, as by hosts without a certificate, unless `speaksTls`. What is not there is 404 in plain text. */
export class PlainPages {
  /** Every URL that was asked for, in order. */
  readonly asked: string[] = [];
  readonly asks: PageAsk[] = [];
  readonly #pages: ReadonlyMap<string, WrittenPage>;
  readonly #speaksTls: boolean;

  constructor(pages: ReadonlyMap<string, WrittenPage>, o: { readonly speaksTls?: boolean } = {}) {
    this.#pages = pages;
    this.#speaksTls = o.speaksTls ?? false;
  }

  async page(url: URL, ask: PageAsk): Promise<HttpPage> {
    ask.signal.throwIfAborted();
    this.asked.push(url.href);
    this.asks.push(ask);
    if (url.protocol === 'https:' && !this.#speaksTls)
      throw new AppError('UPSTREAM_UNAVAILABLE', `${ask.attempt}: connection refused`);
    const path = url.pathname === '/' ? '' : url.pathname;
    const [status, html, location] = this.#pages.get(url.host + path) ?? [404, 'not here', null];
    if (typeof location === 'string') return this.page(new URL(location), ask);
    const contentType = html.startsWith('<') ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8';
    const bytes = Buffer.from(html);
    return { status, url, contentType, bytes: bytes.subarray(0, ask.maxBytes), isCut: bytes.length > ask.maxBytes };
  }
}
