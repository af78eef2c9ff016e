//go:build !race

package nacosauth_test

const underRace = false
