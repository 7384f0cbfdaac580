//go:build !linux

package main

func (share) of(int) {} // by its own rules
