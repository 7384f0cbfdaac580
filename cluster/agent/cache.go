package agent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"google.golang.org/protobuf/proto"

	"freshet/cluster/disk"
	pb "freshet/proto"
)

// load reads the snapshot that save left in file. It returns nil where there is none yet.
func load(file string) (*pb.Snapshot, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, MaxDown+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxDown {
		return nil, fmt.Errorf("%s: larger than %d bytes", file, MaxDown)
	}
	if len(b) == 0 { // protobuf for a cluster without streams, but no snapshot of control is that short
		return nil, fmt.Errorf("%s: empty", file)
	}
	n := &pb.Snapshot{}
	if err := proto.Unmarshal(b, n); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

// save replaces file with n, in one step.
func save(file string, n *pb.Snapshot) error {
	b, err := proto.Marshal(n)
	if err != nil {
		return err
	}
	return disk.Replace(file, b)
}
