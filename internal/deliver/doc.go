// Package deliver brings Redis and a tracking backend to agreement, trace by trace. Any number of replicas may run its
// loop on one Redis, and any of them may die at any point: what is due is claimed with a lease, what a call did that
// nobody heard of is settled by the next reading, and no row is ever changed or deleted that was not written from here.
package deliver
