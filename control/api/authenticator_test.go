package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// An authenticator makes one passkey, in software, and signs by it (WebAuthn, section 6).
type authenticator struct {
	t      *testing.T
	key    *ecdsa.PrivateKey
	id     []byte
	user   string // handle, in base64url
	count  uint32
	origin string
	flags  byte // user present, user verified
}

func newAuthenticator(t *testing.T) *authenticator {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &authenticator{t: t, key: key, id: id, origin: "https://webcasts.example", flags: 1 | 4}
}

func in64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a *authenticator) client(kind string, challenge any) []byte {
	text, err := json.Marshal(object{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

// data is the authenticator data of a party, section 6.1; attested follows it.
func (a *authenticator) data(party any, flags byte, attested []byte) []byte {
	a.count++
	of := sha256.Sum256([]byte(party.(string)))
	b := append(of[:], a.flags|flags)
	return append(binary.BigEndian.AppendUint32(b, a.count), attested...)
}

// create is what the page sends of a new passkey, as it was wanted.
func (a *authenticator) create(name string, wanted object) object {
	a.user = wanted["userId"].(string)
	point, err := a.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		a.t.Fatal(err)
	}
	attested := binary.BigEndian.AppendUint16(make([]byte, 16), uint16(len(a.id))) // of no make
	attested = append(attested, a.id...)
	attested = append(attested, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32) // COSE: EC2, ES256, P-256, x
	attested = append(attested, point[1:33]...)
	attested = append(append(attested, 0x22, 0x58, 32), point[33:]...)
	data := a.data(wanted["partyId"], 0x40, attested)
	made := []byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59")
	made = append(binary.BigEndian.AppendUint16(made, uint16(len(data))), data...)
	return object{
		"name": name, "id": in64(a.id), "clientData": in64(a.client("webauthn.create", wanted["challenge"])), "attestation": in64(made),
	}
}

// sign is what the page sends of a challenge that was signed.
func (a *authenticator) sign(asked object) object {
	client, data := a.client("webauthn.get", asked["challenge"]), a.data(asked["partyId"], 0, nil)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return object{"id": in64(a.id), "clientData": in64(client), "authenticator": in64(data), "signature": in64(signature), "userId": a.user}
}

// passkey adds a passkey of b's person, who has the password of all tests.
func (b *browser) passkey(name string) *authenticator {
	b.o.t.Helper()
	a := newAuthenticator(b.o.t)
	b.does("POST", "/me/passkeys", a.create(name, b.does("POST", "/me/passkeys/challenge", object{"password": password})))
	return a
}
