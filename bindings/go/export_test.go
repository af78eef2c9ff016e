package nacosauth

import (
	"unsafe"
)

// AsNumber hides a client from the collector; FromNumber finds it if it is still there.
func AsNumber(c *Client) uintptr { return ^uintptr(unsafe.Pointer(c)) }

func FromNumber(hidden uintptr) (found *Client) {
	living.Range(func(key, _ any) bool {
		if AsNumber(key.(*Client)) == hidden {
			found = key.(*Client)
		}
		return found == nil
	})
	return found
}

// ReadEnv is OptionsFromEnv without a look at the files that they name.
var ReadEnv = readEnv

// EnvNames are the variables that OptionsFromEnv reads.
var EnvNames = envNames[:]

// QueueUsers counts the clients that have not been closed, and the operations.
func QueueUsers() int {
	queues.lock.Lock()
	defer queues.lock.Unlock()
	return queues.users
}
