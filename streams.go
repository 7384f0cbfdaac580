package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"freshet/cluster/agent"
	pb "freshet/proto"
)

var streamID = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// streamRecords parses ID=KEY, where KEY may be @FILE.
func streamRecords(list []string) ([]*pb.StreamRecord, error) {
	var all []*pb.StreamRecord
	for _, s := range list {
		id, key, ok := strings.Cut(s, "=")
		if !streamID.MatchString(id) {
			return nil, badConfig("stream", "an id is 1 to 64 of a-z, 0-9 and -") // what stands there may be a key
		}
		key, err := secret("stream "+id, key)
		if err != nil {
			return nil, err
		}
		if !ok || key == "" {
			return nil, badConfig("stream", "%s has no key: want ID=KEY or ID=@FILE", id)
		}
		all = append(all, agent.Record(id, key))
	}
	return all, nil
}

// streamKey returns the key in DIR/ID, which it makes on first use: 256 bits, for the owner's eyes only.
func streamKey(dir, id string) (string, error) {
	file := filepath.Join(dir, id)
	b, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	key := base64.RawURLEncoding.EncodeToString(random)
	return key, os.WriteFile(file, []byte(key+"\n"), 0o600)
}
