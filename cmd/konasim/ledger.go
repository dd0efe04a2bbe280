package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// ledgerFile is the file that every call is written to. It notes its first error, for nobody looks at those of single writes.
type ledgerFile struct {
	mu   sync.Mutex // guards what follows: a call that was cut off may end after the file is closed
	file *os.File
	err  error
}

// createLedger empties the file of that name.
func createLedger(name string) (*ledgerFile, error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("--ledger: %w", err)
	}
	return &ledgerFile{file: file}, nil
}

// Write implements io.Writer. After an error it writes nothing more: a gap would be taken for calls that were not made.
func (l *ledgerFile) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.file.Write(line)
	l.err = err
	return n, err
}

// Close returns why the file is not complete, if it is not.
func (l *ledgerFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := errors.Join(l.err, l.file.Close())
	l.err = os.ErrClosed
	if err != nil {
		return fmt.Errorf("--ledger: not every call is in it: %w", err)
	}
	return nil
}
