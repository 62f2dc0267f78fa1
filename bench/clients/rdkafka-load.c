/* A client on librdkafka with its default settings.
 * Build: gcc -O2 -o rdkafka-load rdkafka-load.c -lrdkafka
 *  rdkafka-load produce host:port topic record-bytes seconds    to partition 0, until every record is acknowledged
 *  rdkafka-load consume host:port topic records                 partition 0 from its start
 * Prints "<n> records in <s> s: <r> rec/s".
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUND = 1000, BATCH = 10000 };

static long delivered, failed;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void die(const char *message) {
  fprintf(stderr, "rdkafka-load: %s\n", message);
  exit(1);
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client;
  (void)opaque;
  if (message->err) failed++;
  else delivered++;
}

static rd_kafka_t *connect_to(const char *address, rd_kafka_type_t type) {
  char error[512];
  rd_kafka_conf_t *settings = rd_kafka_conf_new();
  if (rd_kafka_conf_set(settings, "bootstrap.servers", address, error, sizeof error)) die(error);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(settings, on_delivery);
  rd_kafka_t *client = rd_kafka_new(type, settings, error, sizeof error);
  if (!client) die(error);
  return client;
}

static void print_result(long records, double seconds) { printf("%ld records in %.3f s: %.0f rec/s\n", records, seconds, records / seconds); }

static void produce(const char *address, const char *name, size_t size, double seconds) {
  rd_kafka_t *client = connect_to(address, RD_KAFKA_PRODUCER);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
  const struct rd_kafka_metadata *metadata;
  if (rd_kafka_metadata(client, 0, topic, &metadata, 10000)) die("no metadata");
  rd_kafka_metadata_destroy(metadata);
  char *value = malloc(size);
  for (size_t i = 0; i < size; i++) value[i] = 'a' + i % 26;
  double begin = now(), end = begin + seconds;
  for (long sent = 0; sent % ROUND || now() < end;) {
    if (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, size, NULL, 0, NULL) == 0) sent++;
    else rd_kafka_poll(client, 10);
    if (sent % ROUND == 0) rd_kafka_poll(client, 0);
  }
  if (rd_kafka_flush(client, 60000)) die("not all acknowledged");
  double took = now() - begin;
  if (failed) die("some records were refused");
  print_result(delivered, took);
}

static void consume(const char *address, const char *name, long records) {
  rd_kafka_t *client = connect_to(address, RD_KAFKA_CONSUMER);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
  static rd_kafka_message_t *batch[BATCH];
  double begin = now();
  long got = 0;
  if (rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING)) die("can't start to consume");
  while (got < records) {
    ssize_t n = rd_kafka_consume_batch(topic, 0, 1000, batch, BATCH);
    if (n < 0) die("can't consume");
    for (ssize_t i = 0; i < n; i++) {
      if (!batch[i]->err) got++;
      rd_kafka_message_destroy(batch[i]);
    }
    if (now() - begin > 120) die("the records don't arrive");
  }
  print_result(got, now() - begin);
  rd_kafka_consume_stop(topic, 0);
}

int main(int count, char **words) {
  if (count == 6 && !strcmp(words[1], "produce")) produce(words[2], words[3], atol(words[4]), atof(words[5]));
  else if (count == 5 && !strcmp(words[1], "consume")) consume(words[2], words[3], atol(words[4]));
  else die("produce host:port topic record-bytes seconds | consume host:port topic records");
  return 0;
}
