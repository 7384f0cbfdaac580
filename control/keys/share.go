package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	pb "freshet/proto"
)

// Share returns all of k, for a control node that joins the cluster and for nobody else.
func (k *Keys) Share() (*pb.ControlSecrets, error) {
	ca, err := k.ca.PEM()
	if err != nil {
		return nil, err
	}
	return &pb.ControlSecrets{Root: k.root, SignSeed: k.sign.Seed(), Ca: ca}, nil
}

// Take keeps in directory dir what another control node has shared, as Open does with what it makes. The error is
// fs.ErrExist where dir has keys of another cluster, or of one of its own: they stay.
func Take(dir, passphrase string, s *pb.ControlSecrets) (*Keys, error) {
	k, err := inside{Seed: s.GetSignSeed(), Root: s.GetRoot(), CA: s.GetCa()}.keys()
	if err != nil {
		return nil, fmt.Errorf("keys of another control node: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if _, err := create(k, dir, passphrase); !errors.Is(err, fs.ErrExist) {
		return k, err
	}
	have, err := Open(dir, passphrase)
	if err == nil && !have.same(k) {
		return nil, fmt.Errorf("%s holds keys of another cluster: %w", filepath.Join(dir, sealedFile), fs.ErrExist)
	}
	return have, err
}

func (k *Keys) same(other *Keys) bool {
	return k.sign.Equal(other.sign) && bytes.Equal(k.root, other.root) && k.ca.Pin() == other.ca.Pin()
}
