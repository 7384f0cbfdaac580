package quorum

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// Times of Raft. A follower looks each one to two silences whether it has heard the leader within one, and votes for
// another only once it has missed the leader itself (pre-vote). So a dead leader is replaced when the second of two followers
// has missed it. By the arithmetic of that, with 20 ms for the election, it takes 0.55 s in the middle and 0.93 s in 99 of
// 100 cases; more than 2 s in 15 of a million, of those in which two stood at once, and again. Promised are 1 s and 2 s: 300 ms
// would break the first, and 200 ms lost leaders whose followers were 200 ms away.
const (
	// What a follower must hear in. Beats, and messages that tell what is committed, come each 25 to 50 ms and one round trip:
	// control nodes may be 150 ms apart (TestFarApart), and 200 ms where their machines have time. A node that stalls for longer
	// by itself asks before it stands for election, and is told that there is a leader.
	silence = 250 * time.Millisecond
	// A leader that a majority does not answer steps down: by the time that another is elected, it takes no writes.
	lease = silence
	// After a write without another, followers learn this late that it is committed; what they say is older by it.
	commitSoon = 20 * time.Millisecond
	// Of one exchange. Connections to a peer that froze or was cut off are held this long.
	exchangeWait = time.Second
	handOverWait = 2 * silence
	lockWait     = 2 * time.Second // for another process that is about to end to let the log go

	batch = 64 // entries that share one fsync, and one message: 4 MiB at most

	snapshotAfter = 8192 // entries, looked at each 30 to 60 s: a log of some MiB, replayed in less than a second
	snapshotEvery = 30 * time.Second
	snapshotsKept = 2
	trailing      = 10240 // entries kept behind a snapshot: who was away for a shorter while needs no snapshot
	cached        = 1024  // entries in memory, for followers and reads
	pooled        = 4     // connections to a peer
)

// A store is a Raft node that runs, and what it stands on.
type store struct {
	raft  *raft.Raft
	bolt  *raftboltdb.BoltStore
	logs  raft.LogStore
	layer *layer
	trans *raft.NetworkTransport
}

// open starts Raft on what the directory has.
func (q *Quorum) open() (s *store, err error) {
	if err := os.MkdirAll(q.cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	s = &store{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	at := filepath.Join(q.cfg.Dir, "log")
	s.bolt, err = raftboltdb.New(raftboltdb.Options{
		Path: at, MsgpackUseNewTimeFormat: true,
		// The list of free pages is made again at the start, instead of written with each entry.
		BoltOptions: &bbolt.Options{Timeout: lockWait, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType},
	})
	if err != nil {
		return s, fmt.Errorf("%s: %w", at, err)
	}
	if s.logs, err = raft.NewLogCache(cached, s.bolt); err != nil {
		return s, err
	}
	logger := newLogger(q.log, q.m, q.d.Now)
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(q.cfg.Dir, snapshotsKept, logger)
	if err != nil {
		return s, fmt.Errorf("snapshots: %w", err)
	}
	s.layer = newLayer(q.d.Raft, q.cfg.Advertise, q.m)
	s.trans = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: s.layer, MaxPool: pooled, Timeout: exchangeWait, Logger: logger, MsgpackUseNewTimeFormat: true,
	})
	cfg := q.config()
	cfg.Logger = logger
	begun, err := raft.HasExistingState(s.logs, s.bolt, snapshots)
	if err != nil {
		return s, err
	}
	if q.cfg.Bootstrap && !begun {
		alone := raft.Configuration{Servers: []raft.Server{{ID: cfg.LocalID, Address: s.layer.ServerAddr()}}}
		if err := raft.BootstrapCluster(cfg, s.logs, s.bolt, snapshots, s.trans, alone); err != nil {
			return s, fmt.Errorf("begin a quorum: %w", err)
		}
	}
	trans := &steadfast{NetworkTransport: s.trans, wanted: q.wanted, closed: s.layer.done}
	if s.raft, err = raft.NewRaft(cfg, q.machine, s.logs, s.bolt, snapshots, trans); err != nil {
		if why := q.machine.trouble(); why != nil {
			err = why // it names the snapshot's version
		}
		return s, fmt.Errorf("start of the quorum's log in %s: %w", q.cfg.Dir, err)
	}
	return s, nil
}

func (q *Quorum) config() *raft.Config {
	cfg := raft.DefaultConfig()
	cfg.LocalID = raft.ServerID(q.cfg.Node)
	cfg.HeartbeatTimeout, cfg.ElectionTimeout, cfg.LeaderLeaseTimeout, cfg.CommitTimeout = silence, silence, lease, commitSoon
	cfg.MaxAppendEntries = batch // of those who wait: without a buffer, in which Raft forgets entries at its end
	cfg.SnapshotThreshold, cfg.SnapshotInterval, cfg.TrailingLogs = snapshotAfter, snapshotEvery, trailing
	cfg.ShutdownOnRemove = false // who was removed still says so
	cfg.NoLegacyTelemetry = true
	return cfg
}

// close stops what was started. Lines are cut before Raft is waited for: an exchange with a dead peer would hold it.
func (s *store) close() error {
	var stopped raft.Future
	if s.raft != nil {
		stopped = s.raft.Shutdown()
	}
	var err error
	if s.trans != nil {
		err = s.trans.Close()
		s.trans.CloseStreams() // those that wait for use: from now on, none is put back
		s.layer.wait()
	}
	if stopped != nil {
		err = errors.Join(err, stopped.Error())
	}
	if s.bolt != nil {
		err = errors.Join(err, s.bolt.Close())
	}
	return err
}
