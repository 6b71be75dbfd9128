import * as fc from 'fast-check';

/** Pages as hosts serve them and as nobody should, in bytes: pieces of markup put together, with some damage; and URLs from the pieces that parsers disagree about. */

const TAGS = [
  '<meta name="go-import" content="a.b/c git https://x/y">',
  "<META NAME=go-import CONTENT='a.b git https://x/y sub'/>",
  '<meta content="a git b" name=go-import>',
  '<x:meta y:name="go-import" z:content="p q r">',
  '<meta name="go-import" content="a\u00a0b\u2003c\u0085d">',
  '<meta name="go-import" content="a&#32;b&#x20;c">',
  '<meta name="go-import" name="x" content="a b c">',
  '<meta name content="a b c">',
  '<meta name="go-import"content="a b c">',
  '<meta name = "go-import" content = "a b c" / >',
  '<meta name="go-import" content="a b c d e">',
];

const MARKUP = [
  ['<head>', '</head>', '<head/>', '<HEAD>', '</HEAD >', '</ head>', '<body>', '<body/>', '<x:body>', '<p>', '</p>'],
  ['<a:b:c>', '</a:b:c>', '<:a>', '<a:>', '<p a=b c>', '<p a>', '<p é=1>', '<p 你="x">', '<p a="<">', '<p a=">">'],
  ['<!--', '-->', '<!-', '<!-- a -- b -->', '<!---->', '<!', '<!>', '<![CDATA[', ']]>', '<!DOCTYPE html>'],
  ['<!doctype html [<!ENTITY a "b>">]>', '<!a <!-- > --> >', '<?', '?>', '<?php echo ?>', '<?XML encoding="x"?>'],
  ['<?xml version="1.0" encoding="utf-8"?>', '<?xml encoding="latin1"?>', "<?xml encoding='ASCII' ?>"],
  ['<?xml version="1.1"?>', '<?xml encoding=utf-8?>', '<script>if (a<b) {}</script>', '<script>a && b</script>'],
  ['<style>a > b {}</style>', '<\u00b7a>', '<a\u00b7>', '<\u3007>', '<a\u3099/>', '<\u{1f389}>'],
].flat();

const TEXT = [
  ['<', '>', '/', '"', "'", '=', ' ', '\n', '\r', '\r\n', '\t', '-', '--', ']', ']]', 'x', '1', '.', '_'],
  ['&', '&amp;', '&lt;', '&AMP;', '&nbsp;', '&amp', '&;', '&é;', '&a:b;', '&#38', '&#65;', '&#x41;', '&#0;'],
  ['&#xD800;', '&#x110000;', '&#;', '&#x;', '&#99999999999999999999;', '&#0000000000000000000065;'],
  ['é', '你好', '\u0001', '\u000c', '\ufeff', '\ufffd', '\ufffe', '\u{10ffff}', '\u0301', '\u00b7'],
].flat();

const RAW_BYTES = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf0, 0x9f]];

const piece: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...TAGS).map((text) => Buffer.from(text)) },
  { weight: 4, arbitrary: fc.constantFrom(...MARKUP).map((text) => Buffer.from(text)) },
  { weight: 4, arbitrary: fc.constantFrom(...TEXT).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.constantFrom(...RAW_BYTES).map((bytes) => Uint8Array.from(bytes)) },
);

const whole: fc.Arbitrary<Uint8Array> = fc
  .array(piece, { minLength: 1, maxLength: 9 })
  .map((pieces) => Buffer.concat(pieces));

/** A byte lost, put in, or the end cut off. */
const damagedPage: fc.Arbitrary<Uint8Array> = fc
  .tuple(whole, fc.nat(), fc.nat(255), fc.nat(2))
  .map(([page, place, byte, how]) => {
    const at = page.length === 0 ? 0 : place % page.length;
    const after = how === 0 ? page.subarray(at + 1) : how === 1 ? page.subarray(at) : new Uint8Array();
    return Buffer.concat([page.subarray(0, at), how === 1 ? Uint8Array.of(byte) : new Uint8Array(), after]);
  });

export const pages: fc.Arbitrary<Uint8Array> = fc.oneof({ weight: 3, arbitrary: whole }, damagedPage);

const URL_PIECES = [
  ['http', 'https', 'git+ssh', 'ssh', 'file', 'FILE', 'ext', 'a1', ':', '::', '://', '//', '/', '///', '@', 'user'],
  ['u:p', 'x', 'example.com', '[::1]', '[', ']', '%41', '%', '%zz', '%e4', '?', '#', '??', ' ', '80', ':80', ':x'],
  ['é', '<', '"', '-', '.', '*', '\\', '|', '^', '{', '\u007f'],
].flat();

export const urls: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...URL_PIECES), { minLength: 1, maxLength: 7 })
  .map((pieces) => pieces.join(''));
