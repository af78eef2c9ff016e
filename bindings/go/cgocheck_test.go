//go:build goexperiment.cgocheck2

package nacosauth_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

var kept *int

// GOEXPERIMENT=cgocheck2 would find a pointer into Go memory that the binding leaves in C memory.
func TestCgocheckIsOn(t *testing.T) {
	const planting = "NACOSAUTH_PLANT"
	if os.Getenv(planting) != "" {
		outside, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			t.Fatal(err)
		}
		kept = new(int)
		*(**int)(unsafe.Pointer(unsafe.SliceData(outside))) = kept
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(self, "-test.run=^"+t.Name()+"$")
	process.Env = append(os.Environ(), planting+"=1")
	if output, err := process.CombinedOutput(); err == nil || !strings.Contains(string(output), "unpinned Go pointer") {
		t.Errorf("not found: %v: %s", err, output)
	}
}
