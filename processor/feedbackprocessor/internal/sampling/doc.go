// Package sampling decides which subjects a judge sees, by which rule, and with which probability, so that pass rates
// can be estimated without bias from the few that were judged. The draw is consistent: every replica, and every judge
// of one cohort, picks the same subjects.
package sampling
