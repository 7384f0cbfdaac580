package naive

// Most sets how many sessions s takes. It is for tests, before Run.
func (s *Server) Most(n int) { s.most = n }
