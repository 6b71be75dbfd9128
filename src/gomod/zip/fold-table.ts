/**
 * Simple case folding of Unicode 17, pinned: Node's own tables change with its version, and whether a module is valid must not.
 * Each item: first code point, `+n` or `:n` for a run of n (each next, or every second code point), and after `=` (add) or `-`
 * (subtract) the distance to the representative; all in base 36. ASCII is not in it. Made from the /iu relation of a regular
 * expression, and compared with it by fold.test.ts.
 */
export const FOLD_RUNS = `
  68+n-w 6w+7-w 75:o-1 8j:3-1 8q:8-1 97:n-1 ag-3d ai:3-1 an-7g ar:2-1 aw-1 b0-1 b6-1 bd-1 bl:3-1 bs-1 bx-1 c0-1
  c4:2-1 c9-1 cd-1 cl-1 cm-2 co-1 cp-2 cr-1 cs-2 cu:8-1 d9-27 db:9-1 du-1 dv-2 dx-1 dy-2p dz-1k e1:k-1 f4-3m
  f7:9-1 fw-1 fx-4j g2-1 g3-5f g7:5-1 gj-5u gk-5q gm+2-5p gp-5m gr-5n gw-5p gz-5r h4-5t h5-5v hb-5v he-5x hh-5y
  hs-62 hv-62 i0-62 i1-1x i2+2-61 i4-1z ia-63 oh:2-1 on-1 pl-2c po-kn q4-12 q5+3-11 q9+8-w qh-38 qi+2-w qk-lj
  ql:8-w qm:2-w qq-v qs:4-w r0-1s r1+2-1r r4-1q r5-1l r9-1b ra-1i rb-8 rd:c-1 s0-2e s1-28 s3-38 s4-2k s5-2o s8-1
  s9-7 sb-1 sd+3-3m ts+w-w uo+g-28 v5:h-1 wb:r-1 xu:7-1 y7-f y9:1c-1 129+12-1c 3y0+6-8 5mo-4tq 5mp-4tp 5mq-4tg
  5mr+2-4te 5mt-4tf 5mu-4t8 5mv-4rp 5my-1 5n4+17-2bk 5od+3-2bk 5xd:23-1 61n-1n 61q-5vj 61t:1c-1 64o+8-8 654+6-8
  65k+8-8 660+8-8 66g+6-8 66x:4-8 67c+8-8 688+8-8 68o+8-8 694+8-8 69k+2-8 69m+2-22 69o-9 69q-5mh 6a0+4-2e 6a4-9
  6ab-5kz 6ag+2-8 6ai+2-2s 6ar-5kj 6aw+2-8 6ay+2-34 6b0-7 6bc+2-3k 6be+2-3i 6bg-9 6jq-5tp 6ju-6gv 6jv-6ee 6ku-s
  6ls+g-g 6mc-1 79s+q-q 8q8+1c-1c 8rl-1 8rm-8af 8rn-2xy 8ro-89z 8rp-8bv 8rq-8bs 8rs:3-1 8rx-8bg 8ry-8al 8rz-8bj
  8s0-8bi 8s3-1 8s6-1 8se+2-8cf 8sh:1e-1 8vg:2-1 8vn-1 8w0+12-5ls 8x3-5ls 8x9-5ls wu9:5-1 wui-r7m wuj-r7n wul:h-1
  ww1:e-1 x0j:7-1 x0z:v-1 x2y:2-1 x31-r9g x33:5-1 x3g-1 x3h-wmg x3l:2-1 x3r:a-1 x4a-wn8 x4b-wnj x4c-wnf x4d-wn5
  x4e-wn8 x4g-wlu x4h-wmi x4i-wlx x4l:8-1 x50-1c x51-wn7 x52-raw x54:2-1 x57-wo7 x59:8-1 x5o-wu9 x6e-1 xub-ps
  xv4+28-tzk 1dl2-1 1ef5+q-w 1fe0+14-14 1fiw+10-14 1fo7:j-13 1fo8:5-13 1fok:7-13 1fp0:3-13 1fp8-13 1h34+1f-1s
  1h80+m-w 1jgg+w-w 20dc+w-w 20fv+p-r 2oma+y-y
`;
