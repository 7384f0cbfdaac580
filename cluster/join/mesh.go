package join

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"freshet/cluster/disk"
	pb "freshet/proto"
)

// meshFile is how the node finds the others at its next start. It holds keys of gossip.
const meshFile = "mesh.state"

// ReadMesh returns what KeepMesh has kept in dir; nothing where there is none yet.
func ReadMesh(dir string) (*pb.MeshSeed, error) {
	path, m := filepath.Join(dir, meshFile), &pb.MeshSeed{}
	b, err := disk.Secret(path, MaxMessage)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// KeepMesh keeps m in dir.
func KeepMesh(dir string, m *pb.MeshSeed) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	return disk.Replace(filepath.Join(dir, meshFile), b)
}
