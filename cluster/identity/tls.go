package identity

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
)

// ServerTLS returns a config for accepting nodes of the same cluster in one of roles; with no role it
// accepts nobody. The config follows renewals and removals and stays good for the life of the process.
func (id *Identity) ServerTLS(alpn []string, roles ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: alpn,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return id.certificate()
		},
		// Which authority signed is checked in verify, with everything else. A resumed session would
		// carry an old check past an expiry, so there are no tickets, and no 0-RTT either.
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			return id.verify(cs, x509.ExtKeyUsageClientAuth, "", roles)
		},
	}
}

// ClientTLS returns a config for dialling a node of the same cluster in one of roles, by the name node
// where it is not empty. The config follows renewals and removals and stays good for the life of the process.
func (id *Identity) ClientTLS(alpn []string, node string, roles ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: alpn,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return id.certificate()
		},
		// Nodes are dialled by address and known by their URI, which the library cannot match against
		// a host name. verify replaces its check and is stricter.
		InsecureSkipVerify: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			return id.verify(cs, x509.ExtKeyUsageServerAuth, node, roles)
		},
	}
}

// StrangerTLS returns a config for accepting anybody, as enrolment must. It shows the CA, so that a stranger can compare it
// with its join token, and asks for a certificate without judging it: who serves the connection does, by Holder.
func (id *Identity) StrangerTLS(alpn []string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: alpn,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			own, err := id.certificate()
			if err != nil {
				return nil, err
			}
			return &tls.Certificate{Certificate: [][]byte{own.Certificate[0], id.ca.Raw}, PrivateKey: own.PrivateKey, Leaf: own.Leaf}, nil
		},
		ClientAuth:             tls.RequestClientCert,
		SessionTicketsDisabled: true,
	}
}

// PinnedTLS returns a config with which somebody who is of no cluster yet dials control of the cluster whose CA has the
// SHA-256 pin. The handshake fails with ErrPin where another one answers, before a byte of ours is sent.
func PinnedTLS(alpn []string, pin [sha256.Size]byte) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		NextProtos:         alpn,
		InsecureSkipVerify: true, // verify replaces the library's check
		VerifyConnection: func(cs tls.ConnectionState) error {
			for _, ca := range cs.PeerCertificates {
				if ca.IsCA && sha256.Sum256(ca.Raw) == pin {
					stranger := newIdentity("", "", nil, ca)
					return stranger.verify(cs, x509.ExtKeyUsageServerAuth, "", []string{RoleControl})
				}
			}
			return ErrPin
		},
	}
}
