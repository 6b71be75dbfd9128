package main

import (
	"bytes"
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var _ = register(map[string]operation{
	"note.NewVerifier": func(_ [][]byte, s []string) (any, error) {
		key, err := note.NewVerifier(s[0])
		if err != nil {
			return nil, err
		}
		return []any{key.Name(), key.KeyHash()}, nil
	},
	"note.NewSigner": func(_ [][]byte, s []string) (any, error) {
		key, err := note.NewSigner(s[0])
		if err != nil {
			return nil, err
		}
		return []any{key.Name(), key.KeyHash()}, nil
	},
	// The message, then verifier keys.
	"note.Open": func(a [][]byte, s []string) (any, error) {
		var keys []note.Verifier
		for _, text := range s[1:] {
			key, err := note.NewVerifier(text)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
		n, err := note.Open(a[0], note.VerifierList(keys...))
		if err != nil {
			return nil, err
		}
		return []any{n.Text, signaturesOf(n.Sigs), signaturesOf(n.UnverifiedSigs)}, nil
	},
	// The text, then signer keys.
	"note.Sign": func(_ [][]byte, s []string) (any, error) {
		var signers []note.Signer
		for _, text := range s[1:] {
			signer, err := note.NewSigner(text)
			if err != nil {
				return nil, err
			}
			signers = append(signers, signer)
		}
		return note.Sign(&note.Note{Text: s[0]}, signers...)
	},

	"tlog.ParseTree": func(a [][]byte, _ []string) (any, error) {
		tree, err := tlog.ParseTree(a[0])
		return []any{tree.N, tree.Hash.String()}, err
	},
	"tlog.ParseRecord": func(a [][]byte, _ []string) (any, error) {
		id, text, rest, err := tlog.ParseRecord(a[0])
		return []any{id, string(text), rest}, err
	},
	"tlog.FormatRecord": func(a [][]byte, s []string) (any, error) {
		numbers, err := numbersOf(s[:1])
		if err != nil {
			return nil, err
		}
		return tlog.FormatRecord(numbers[0], a[1])
	},
	"tlog.ParseTilePath": func(_ [][]byte, s []string) (any, error) {
		tile, err := tlog.ParseTilePath(s[0])
		return []any{tile.H, tile.L, tile.N, tile.W}, err
	},
	// Height and number of the hash.
	"tlog.TileForIndex": func(_ [][]byte, s []string) (any, error) {
		n, err := numbersOf(s)
		if err != nil {
			return nil, err
		}
		level, number := tlog.SplitStoredHashIndex(n[1])
		return []any{tlog.TileForIndex(int(n[0]), n[1]).Path(), level, number, tlog.StoredHashIndex(level, number)}, nil
	},
	// Height, old and new size.
	"tlog.NewTiles": func(_ [][]byte, s []string) (any, error) {
		n, err := numbersOf(s)
		if err != nil {
			return nil, err
		}
		paths := []string{}
		for _, tile := range tlog.NewTiles(int(n[0]), n[1], n[2]) {
			paths = append(paths, tile.Path())
		}
		return paths, nil
	},
	// A log of `record 0`, `record 1`, ...: its size, then an older size and the number of a record.
	"tlog.Prove": func(_ [][]byte, s []string) (any, error) {
		n, err := numbersOf(s)
		if err != nil {
			return nil, err
		}
		return prove(logOf(n[0]), n[0], n[1], n[2])
	},
	// The size of such a log, the height of its tiles, and numbers of hashes; what tiles are asked for is part of the answer.
	"tlog.TileHashReader": func(_ [][]byte, s []string) (any, error) {
		n, err := numbersOf(s)
		if err != nil {
			return nil, err
		}
		stored := logOf(n[0])
		root, err := tlog.TreeHash(n[0], stored)
		if err != nil {
			return nil, err
		}
		tiles := &tilesOf{height: int(n[1]), stored: stored}
		hashes, err := tlog.TileHashReader(tlog.Tree{N: n[0], Hash: root}, tiles).ReadHashes(n[2:])
		return []any{hashTexts(hashes), tiles.asked, tiles.saved}, err
	},
})

func signaturesOf(signatures []note.Signature) []any {
	all := []any{}
	for _, one := range signatures {
		all = append(all, []any{one.Name, one.Hash, one.Base64})
	}
	return all
}

func numbersOf(texts []string) ([]int64, error) {
	var numbers []int64
	for _, text := range texts {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, number)
	}
	return numbers, nil
}

type storedHashes []tlog.Hash

func (h storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, index := range indexes {
		if index < 0 || index >= int64(len(h)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		hashes = append(hashes, h[index])
	}
	return hashes, nil
}

func logOf(size int64) storedHashes {
	var stored storedHashes
	for n := int64(0); n < size; n++ {
		added, err := tlog.StoredHashes(n, []byte(fmt.Sprintf("record %d\n", n)), stored)
		if err != nil {
			panic(err)
		}
		stored = append(stored, added...)
	}
	return stored
}

func prove(stored storedHashes, size, old, record int64) (any, error) {
	root, err := tlog.TreeHash(size, stored)
	if err != nil {
		return nil, err
	}
	ofTree, err := tlog.ProveTree(size, old, stored)
	if err != nil {
		return nil, err
	}
	ofRecord, err := tlog.ProveRecord(size, record, stored)
	if err != nil {
		return nil, err
	}
	return []any{len(stored), root.String(), hashTexts(ofTree), hashTexts(ofRecord)}, nil
}

func hashTexts(hashes []tlog.Hash) []string {
	texts := []string{}
	for _, hash := range hashes {
		texts = append(texts, hash.String())
	}
	return texts
}

type tilesOf struct {
	height       int
	stored       storedHashes
	asked, saved []string
}

func (t *tilesOf) Height() int { return t.height }

func (t *tilesOf) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var bodies [][]byte
	for _, tile := range tiles {
		body, err := tlog.ReadTileData(tile, t.stored)
		if err != nil {
			return nil, err
		}
		t.asked = append(t.asked, tile.Path())
		bodies = append(bodies, bytes.Clone(body))
	}
	return bodies, nil
}

func (t *tilesOf) SaveTiles(tiles []tlog.Tile, _ [][]byte) {
	for _, tile := range tiles {
		t.saved = append(t.saved, tile.Path())
	}
}
