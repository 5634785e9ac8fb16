// Package access says who calls, and what MLflow lets them see and change.
//
// # Who
//
// A caller's name is the user that the collector's auth extension found (basicauth's `username`, oidcauth's `subject`), or
// the one that a reverse proxy names in `user_header`. A bearer token names nobody: who holds it stays unnamed, except
// where a proxy adds the name.
//
// # What
//
// With `authorization: endpoint` everybody who reaches the endpoint may do everything. With `mlflow` the caller's own
// Authorization, Cookie and workspace headers are shown to MLflow, also where the endpoint's `auth` has read the first
// itself: both then have the same users. MLflow is asked by requests that it authorises as it would the real ones and that
// change nothing, so its roles decide, with creating, updating and deleting told apart.
//
// A grant is used for a minute, and while MLflow cannot be asked for a quarter of an hour; a refusal for seconds. A
// trace that MLflow does not have is in no experiment, so nobody has rights on it: there, only callers that `admins` and
// `trusted` name may read and write.
package access
