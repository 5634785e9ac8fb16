// Package servers starts the real servers that the end-to-end tests and the quickstart stand on: Redis, MLflow and the
// built collector. Each listens on a loopback port of its own and can be killed and started again on the same data.
package servers
