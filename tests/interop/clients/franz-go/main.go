// franz-go under the suite's contract; see ../javascript/contract.mjs.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	flags      = flag.NewFlagSet("client", flag.ExitOnError)
	bootstrap  = flags.String("bootstrap", "", "host:port")
	topic      = flags.String("topic", "", "topic")
	codec      = flags.String("codec", "none", "none, gzip, snappy, lz4 or zstd")
	input      = flags.String("input", "", "file of records: key TAB value LF")
	idempotent = flags.Bool("idempotent", false, "with a producer id")
	group      = flags.String("group", "", "consumer group")
	count      = flags.Int("count", 0, "records to consume")
	timeout    = flags.Int("timeout", 30, "seconds")
	out        = bufio.NewWriterSize(os.Stdout, 1<<16)
)

func main() {
	if err := flags.Parse(os.Args[2:]); err != nil {
		fail(err)
	}
	commands := map[string]func() error{"produce": produce, "consume": consume, "follow": follow}
	err := commands[os.Args[1]]()
	out.Flush()
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func produce() error {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(*bootstrap), kgo.ProducerBatchCompression(codecs[*codec]), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(5 * time.Millisecond), kgo.ProducerBatchMaxBytes(8192),
	}
	if !*idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	data, err := os.ReadFile(*input)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var lock sync.Mutex
	var failure error
	for line := 0; len(data) > 0; line++ {
		record, rest, _ := bytes.Cut(data, []byte{'\n'})
		key, value, _ := bytes.Cut(record, []byte{'\t'})
		data = rest
		client.Produce(ctx, &kgo.Record{Topic: *topic, Key: key, Value: value}, func(record *kgo.Record, err error) {
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failure = err
				return
			}
			fmt.Fprintf(out, "{\"line\":%d,\"partition\":%d,\"offset\":%d}\n", line, record.Partition, record.Offset)
		})
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	return failure
}

func newMember(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(options,
		kgo.SeedBrokers(*bootstrap), kgo.ConsumerGroup(*group), kgo.ConsumeTopics(*topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.FetchMaxWait(100*time.Millisecond),
	)...)
}

// Goes on until the standard input ends; commits what each poll brought, then prints it.
func follow() error {
	client, err := newMember(kgo.Balancers(kgo.RangeBalancer()), kgo.BlockRebalanceOnPoll())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	for ctx.Err() == nil {
		records := client.PollFetches(ctx).Records()
		if len(records) > 0 {
			if err := client.CommitRecords(context.Background(), records...); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			for _, record := range records {
				print(record)
			}
			out.Flush()
		}
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
	return nil
}

func consume() error {
	client, err := newMember()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(*timeout)*time.Second)
	defer cancel()
	var consumed []*kgo.Record
	for len(consumed) < *count {
		fetches := client.PollRecords(ctx, *count-len(consumed))
		for _, failure := range fetches.Errors() {
			return fmt.Errorf("%d of %d records: %w", len(consumed), *count, failure.Err)
		}
		for _, record := range fetches.Records() {
			consumed = append(consumed, record)
			print(record)
		}
	}
	if err := client.CommitRecords(ctx, consumed...); err != nil {
		return err
	}
	client.Close()
	return nil
}

func print(record *kgo.Record) {
	fmt.Fprintf(out, "{\"partition\":%d,\"offset\":%d,\"key\":%s,\"value\":%s}\n",
		record.Partition, record.Offset, text(record.Key), text(record.Value))
}

func text(data []byte) string {
	if data == nil {
		return "null"
	}
	return "\"" + base64.StdEncoding.EncodeToString(data) + "\""
}
