package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"

	"golang.org/x/crypto/argon2"
)

// Argon2id as RFC 9106, section 4, recommends it where memory is scarce; its key is AES-256's.
const (
	passes   = 3
	memory   = 64 << 10 // KiB
	lanes    = 4
	keySize  = 32
	saltSize = 16
)

// The ways in which a file says it is sealed. They are in what is authenticated.
const (
	passphraseWay = "freshet keys 1, argon2id passphrase, aes-256-gcm"
	fileWay       = "freshet keys 1, key file, aes-256-gcm"
)

// errOpen does not tell which: a wrong passphrase looks as damage does.
var errOpen = errors.New("it does not open: the passphrase, or the key beside it, is another one, or the file is damaged")

// sealed is the file.
type sealed struct {
	Way   string `json:"way"`
	Salt  []byte `json:"salt"`
	Nonce []byte `json:"nonce"`
	Box   []byte `json:"box"`
}

func (s *sealed) byPassphrase() bool { return s.Way == passphraseWay }

func parseSealed(b []byte) (*sealed, error) {
	var s sealed
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, errors.New("this is no file of keys, or it is damaged")
	}
	if s.Way != passphraseWay && s.Way != fileWay {
		return nil, errors.New("it is sealed in a way that this program does not know")
	}
	return &s, nil
}

// seal returns the file of k, which secret opens.
func (k *Keys) seal(secret string, passphrase bool) ([]byte, error) {
	plain, err := k.plain()
	if err != nil {
		return nil, err
	}
	return seal(plain, secret, passphrase)
}

func seal(plain []byte, secret string, passphrase bool) ([]byte, error) {
	s := &sealed{Way: fileWay, Salt: make([]byte, saltSize)}
	if passphrase {
		s.Way = passphraseWay
	}
	_, _ = rand.Read(s.Salt) // never fails
	box, err := s.box(secret)
	if err != nil {
		return nil, err
	}
	s.Nonce = make([]byte, box.NonceSize())
	_, _ = rand.Read(s.Nonce)
	s.Box = box.Seal(nil, s.Nonce, plain, []byte(s.Way))
	b, err := json.Marshal(s)
	return append(b, '\n'), err
}

func (s *sealed) open(secret string) (k *Keys, whole bool, err error) {
	box, err := s.box(secret)
	if err != nil {
		return nil, false, err
	}
	if len(s.Nonce) != box.NonceSize() {
		return nil, false, errOpen
	}
	plain, err := box.Open(nil, s.Nonce, s.Box, []byte(s.Way))
	if err != nil {
		return nil, false, errOpen
	}
	return parse(plain)
}

// box returns what seals and opens. A key file has 256 random bits, which need no slow hash.
func (s *sealed) box(secret string) (cipher.AEAD, error) {
	var key []byte
	if s.byPassphrase() {
		key = argon2.IDKey([]byte(secret), s.Salt, passes, memory, lanes, keySize)
	} else {
		var err error
		if key, err = hkdf.Key(sha256.New, []byte(secret), s.Salt, s.Way, keySize); err != nil {
			return nil, err
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// newSecret returns what a key file holds.
func newSecret() []byte {
	b := make([]byte, keySize)
	_, _ = rand.Read(b) // never fails
	return append([]byte(base64.RawURLEncoding.EncodeToString(b)), '\n')
}
