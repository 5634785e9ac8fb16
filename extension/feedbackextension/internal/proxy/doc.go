// Package proxy passes on to MLflow whatever is no assessment, and lays Redis' state over the traces that come back, so
// that MLflow's own pages and clients see all feedback. In front of it stand the checks that keep strange pages in
// people's browsers out.
package proxy
