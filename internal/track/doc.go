// Package track owns the question which deployment in Dokploy is this run's,
// and how it ended. It is pure: an [Order] (what was sent, and what was there
// before) begins a [State], and [State.See] makes of a state and what one look
// at Dokploy has shown the next state and a [Decision]. It asks nobody, reads no
// clock and prints nothing; a state is a value that can be kept, compared and
// played again.
//
// # How a deployment is found
//
// Neither Dokploy's queue nor its list of deployments (the rows) knows who
// triggered one. The order's marker tells, where it shows; where it does not, the
// server's own times and the order in the queue do, or it is not told: this
// package never guesses. docs/protocol.md is the model behind it.
//
// A state is in one [Phase] at a time, and each has a table of rules that are
// tried in their order. The first one that has an answer decides:
//
//	Awaited    nothing is sent: has one come for the commit?  await.go, commit.go
//	             a preview: is it there at all?                 preview.go
//	Sent       not answered yet: does the marker show?        sent.go
//	Open       the answer was lost: does Dokploy have it?      open.go
//	Accepted   in the queue or starting: which row is ours?    find.go
//	             what the texts of rows tell                   rows.go
//	             without a text: a clue, and what doubts it    infer.go, clue.go
//	             neither job nor row is there                  missing.go
//	Held       the row is known: how does it end?              held.go
//	Confirming it has ended, and a restart may undo that       held.go
//	Again      Dokploy may run it once more                    again.go
//
// Everything between the tables is in order.go (what was sent), observation.go
// (what a look has shown), state.go (what is remembered), see.go (one look while it
// is judged), job.go (our job in the queue) and decision.go (what comes out).
//
// # How a look goes
//
// A look begins with the time alone ([Observation]). A rule that needs a list
// which the observation does not have makes See answer with Decision.Ask only,
// and the state stays what it was; whoever has the connection asks for that list,
// adds it to the same observation and calls See again. So a look costs what its
// rules need, in their order: the queue first, the rows after it, since a job
// that is in the queue no more has its row.
package track
