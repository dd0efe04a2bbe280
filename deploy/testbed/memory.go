package testbed

import (
	"fmt"
	"os"
	"strings"
)

// PeakMemory returns the peak of a running process's resident set, in bytes. (What the system accounts when a process has ended begins with
// the peak of its parent.) It needs Linux.
func PeakMemory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("testbed: peak memory: %w", err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		return 0, fmt.Errorf("testbed: no VmHWM in the status of process %d: %w", pid, err)
	}
	return kib << 10, nil
}
