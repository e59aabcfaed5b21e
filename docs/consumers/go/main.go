// Keeps a correct copy of hadir.tpp.month.v1 in a bbolt file: Kafka keeps the position, versions absorb what comes again.
// Verbs: follow (for ever; kill it whenever you like), once (up to what the topic holds now), show. Environment: KAFKA, COPY (file),
// GROUP (begins with ext.<system>.); KAFKA_USER, KAFKA_PASSWORD, KAFKA_CA (file) where a login is asked for.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"go.etcd.io/bbolt"
)

const topic = "hadir.tpp.month.v1"

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatalf("%s: %v", topic, err)
	}
	return value
}

func connect(options ...kgo.Opt) *kgo.Client {
	options = append(options, kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA"), ",")...))
	if user := os.Getenv("KAFKA_USER"); user != "" {
		authorities, login := x509.NewCertPool(), scram.Auth{User: user, Pass: os.Getenv("KAFKA_PASSWORD")}
		authorities.AppendCertsFromPEM(must(os.ReadFile(os.Getenv("KAFKA_CA"))))
		options = append(options, kgo.DialTLSConfig(&tls.Config{RootCAs: authorities}), kgo.SASL(login.AsSha512Mechanism()))
	}
	return must(kgo.NewClient(options...))
}

// follow stores first and commits then: what is delivered again after a crash has no greater version and changes nothing.
func follow(db *bbolt.DB, group string, once bool) {
	ctx, admin, left := context.Background(), kadm.NewClient(connect()), map[int32]int64{}
	if once {
		committed := must(admin.FetchOffsets(ctx, group))
		for number, end := range must(admin.ListEndOffsets(ctx, topic))[topic] {
			if at, _ := committed.Lookup(topic, number); max(at.At, 0) < must(end.Offset, end.Err) {
				left[number] = end.Offset
			}
		}
	}
	client := connect(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(), kgo.SessionTimeout(6*time.Second))
	for !once || len(left) > 0 {
		fetches := client.PollRecords(ctx, 500)
		must(0, fetches.Err())
		must(0, db.Update(func(tx *bbolt.Tx) error {
			for _, record := range fetches.Records() {
				apply(tx.Bucket([]byte(topic)), record)
				if record.Offset+1 >= left[record.Partition] {
					delete(left, record.Partition)
				}
			}
			return nil
		}))
		must(0, client.CommitUncommittedOffsets(ctx))
		fmt.Printf("stored %d records\n", fetches.NumRecords())
	}
	client.Close()
}

// apply follows the rule for outsiders: a version that is not greater changes nothing; no value means the key is no more.
func apply(months *bbolt.Bucket, record *kgo.Record) {
	if stored := months.Get(record.Key); record.Value == nil {
		must(0, months.Delete(record.Key))
	} else if stored == nil || read(record.Value).Version > read(stored).Version {
		must(0, months.Put(record.Key, record.Value))
	}
}

func read(value []byte) (told struct{ Version int64 }) {
	must(0, json.Unmarshal(value, &told))
	return told
}

func main() {
	db := must(bbolt.Open(os.Getenv("COPY"), 0o600, nil))
	must(0, db.Update(func(tx *bbolt.Tx) error {
		return must(tx.CreateBucketIfNotExists([]byte(topic))).ForEach(func(key, value []byte) error {
			if os.Args[1] == "show" {
				fmt.Printf("%s %s\n", key, value)
			}
			return nil
		})
	}))
	if group := os.Getenv("GROUP"); os.Args[1] != "show" {
		follow(db, group, os.Args[1] == "once")
	}
}
