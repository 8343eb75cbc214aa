package dokploytest

import (
	"io"
	"log"
	"strconv"
	"strings"
)

var discardLog = log.New(io.Discard, "", 0)

// dialect lists what a version does, with the first tag that does it. Versions
// before 0.25 are not played: the program refuses them.
type dialect struct {
	version      string
	cancels      bool // ≥ 0.25.4: a restart cancels running rows
	composeBody  bool // ≥ 0.25.7: compose.deploy answers {"success":…}
	commitTitle  bool // ≥ 0.25.7: Git sources overwrite the title
	buildServers bool // ≥ 0.26.0: rows have buildServerId
	composeID    bool // ≥ 0.26.4: … with the composeId
	checksPath   bool // ≥ 0.26.6: "Invalid log path"
	newOpenAPI   bool // ≥ 0.28.0: errors with data, 415, zod 4
	queueList    bool // ≥ 0.28.3
	trimmedList  bool // ≥ 0.28.3: project.all has ids, names and status only
	permissions  bool // ≥ 0.28.7: members; unknown ids of lists are []
	readLogs     bool // ≥ 0.29.5
	memoryQueue  bool // ≥ 0.29.9: no BullMQ
	readsRemote  bool // ≥ 0.29.9: readLogs asks the service's server
	domainSwitch bool // ≥ 0.30.0: domains can be disabled

	leavesOutHash bool // ≥ 0.25.7: without a hash, an application's webhook gives no description
	labeled       bool // ≥ 0.28.6: adding a label creates a preview
	watchesAll    bool // ≥ 0.29.14: added and removed files count for watch paths
	limitsNewOnly bool // ≥ 0.30.2: the limit applies to new previews only; before, it allowed one more

	buildSecrets    bool // ≥ 0.25.6
	rollbackToHub   bool // ≥ 0.26.0: a rollback's image is in a registry
	createEnvFile   bool // ≥ 0.26.1
	taskStates      bool // ≥ 0.27.0: the states of tasks and containers (docs/dokploy.md, Versions)
	containerLogs   bool // ≥ 0.29.0: application.readLogs, compose.readLogs
	composeSaves    bool // ≥ 0.29.0: compose.saveEnvironment
	runningTasks    bool // ≥ 0.30.0: appType=stack lists tasks
	composeEnvFile  bool // ≥ 0.30.0: compose.saveEnvironment takes createEnvFile
	providerSecrets bool // ≥ 0.30.0: permissions name vaultProvider and dnsProvider
}

func dialectOf(version string) dialect {
	at := func(major, minor, patch int) bool { return !older(version, major, minor, patch) }
	return dialect{
		version:      version,
		cancels:      at(0, 25, 4),
		composeBody:  at(0, 25, 7),
		commitTitle:  at(0, 25, 7),
		buildServers: at(0, 26, 0),
		composeID:    at(0, 26, 4),
		checksPath:   at(0, 26, 6),
		newOpenAPI:   at(0, 28, 0),
		queueList:    at(0, 28, 3),
		trimmedList:  at(0, 28, 3),
		permissions:  at(0, 28, 7),
		readLogs:     at(0, 29, 5),
		memoryQueue:  at(0, 29, 9),
		readsRemote:  at(0, 29, 9),
		domainSwitch: at(0, 30, 0),

		leavesOutHash: at(0, 25, 7),
		labeled:       at(0, 28, 6),
		watchesAll:    at(0, 29, 14),
		limitsNewOnly: at(0, 30, 2),

		buildSecrets:    at(0, 25, 6),
		rollbackToHub:   at(0, 26, 0),
		createEnvFile:   at(0, 26, 1),
		taskStates:      at(0, 27, 0),
		containerLogs:   at(0, 29, 0),
		composeSaves:    at(0, 29, 0),
		runningTasks:    at(0, 30, 0),
		composeEnvFile:  at(0, 30, 0),
		providerSecrets: at(0, 30, 0),
	}
}

// older reports whether version is older than want. One that cannot be parsed
// ("canary") is current.
func older(version string, want ...int) bool {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) != 3 {
		return false
	}
	for i, p := range parts {
		p, _, _ = strings.Cut(p, "-")
		n, err := strconv.Atoi(p)
		if err != nil {
			return false
		}
		if n != want[i] {
			return n < want[i]
		}
	}
	return false
}
