// Package kafka holds the script that runs a Kafka broker without containers, for programs that start one.
package kafka

import "embed"

// Script is kafka.sh and what it needs beside it. Run it with bash: embedding loses the permission to execute.
//
//go:embed kafka.sh pom.xml
var Script embed.FS
