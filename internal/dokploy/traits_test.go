package dokploy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTraitsOf(t *testing.T) {
	for version, want := range map[string]Traits{
		"canary": {RerunsCancelled: true, RawDotenv: true},
		"v0.25.3": {
			HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true, LeavesRowsRunning: true,
			RowsNameNoCommit: true, BuildValuesAsWritten: true, RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true,
		},
		"v0.25.4": {
			HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true,
			RowsNameNoCommit: true, BuildValuesAsWritten: true, RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true,
		},
		"v0.25.6": {
			HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true,
			RowsNameNoCommit: true, BuildValuesAsWritten: true, RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true,
		},
		"v0.25.7": {
			HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true,
			BuildValuesAsWritten: true, RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true,
		},
		"v0.25.8": {
			HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true,
			BuildValuesAsWritten: true, RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true,
		},
		"v0.25.9": {
			HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true,
			RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true,
		},
		"v0.28.2":  {HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true, RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true},
		"v0.28.3":  {QueueSurvivesRestart: true, RerunsCancelled: true, RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true},
		"v0.29.8":  {QueueSurvivesRestart: true, RerunsCancelled: true, RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true},
		"v0.29.9":  {RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true},
		"v0.29.13": {RawDotenv: true, WatchesModifiedOnly: true, LimitsAllPreviews: true},
		"v0.29.14": {RawDotenv: true, LimitsAllPreviews: true},
		"v0.30.0":  {QuotesDotenv: true, LimitsAllPreviews: true},
		"v0.30.1":  {QuotesDotenv: true, LimitsAllPreviews: true},
		"v0.30.2":  {},
		"v0.30.10": {},
		"v1.0.0":   {},
	} {
		v, _ := ParseVersion(version)
		if diff := cmp.Diff(want, TraitsOf(v)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
	}
}
