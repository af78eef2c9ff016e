//go:build race

package nacosauth_test

const underRace = true // which keeps notes of its own on what is gone
