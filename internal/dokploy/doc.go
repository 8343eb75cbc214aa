// Package dokploy owns the Dokploy API: its client, its errors and what they
// mean for a person, the rows and jobs it shows, and the stream of a
// deployment's log. It decides nothing about a deployment.
//
// What is said here of Dokploy was seen on v0.30.2 and v0.25.11 or read in its
// source: docs/dokploy.md.
package dokploy
