// Package dokploy is the client of the Dokploy API: its calls, its errors and
// what they mean, its rows and jobs, and the stream of a deployment's log. It
// decides nothing about a deployment.
//
// Facts about Dokploy were seen on v0.30.2 and v0.25.11, or read in its source:
// see docs/dokploy.md.
package dokploy
