package access

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Prefix stands before every path of the API.
const Prefix = "/api/v1"

const (
	maxBody  = 256 << 10 // RELIABILITY section 4: JSON
	bodyTime = 15 * time.Second
)

// Op is an operation of the API with the limits that each has. errs are the statuses of its errors.
func Op(method, path, id, summary string, errs ...int) huma.Operation {
	return huma.Operation{
		Method: method, Path: Prefix + path, OperationID: id, Summary: summary, Errors: errs,
		MaxBodyBytes: maxBody, BodyReadTimeout: bodyTime,
	}
}
