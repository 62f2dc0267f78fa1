"""confluent-kafka (librdkafka) under the suite's contract; see ../javascript/contract.mjs."""
import argparse
import base64
import json
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition


def read_records(path):
    with open(path, 'rb') as file:
        for line, record in enumerate(file.read().split(b'\n')[:-1]):
            key, _, value = record.partition(b'\t')
            yield line, key, value


def produce(options):
    producer = Producer({
        'bootstrap.servers': options.bootstrap, 'acks': 'all', 'linger.ms': 5, 'batch.size': 8192, 'compression.type': options.codec,
        'enable.idempotence': options.idempotent,
    })
    acknowledged, failures = [], []

    for line, key, value in read_records(options.input):
        def delivered(error, message, line=line):
            if error is not None:
                failures.append(error)
            else:
                acknowledged.append(f'{{"line":{line},"partition":{message.partition()},"offset":{message.offset()}}}\n')

        producer.produce(options.topic, key=key, value=value, on_delivery=delivered)
        producer.poll(0)
    unsent = producer.flush(60)
    sys.stdout.write(''.join(acknowledged))
    if failures or unsent:
        raise SystemExit(f'{len(failures)} failed ({failures[:1]}), {unsent} not sent')


def new_member(options):
    consumer = Consumer({
        'bootstrap.servers': options.bootstrap, 'group.id': options.group, 'auto.offset.reset': 'earliest',
        'enable.auto.commit': False, 'fetch.wait.max.ms': 100,
    })
    consumer.subscribe([options.topic])
    return consumer


def line_of(message):
    if message.error():
        raise KafkaException(message.error())
    text = {
        name: None if data is None else base64.b64encode(data).decode()
        for name, data in (('key', message.key()), ('value', message.value()))
    }
    return json.dumps({'partition': message.partition(), 'offset': message.offset(), **text}) + '\n'


def follow(options):
    """Goes on until the standard input ends; commits what each poll brought, then prints it."""
    consumer = new_member(options)
    ended = threading.Event()

    def wait_for_end():
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    while not ended.is_set():
        messages = consumer.consume(500, 0.1)
        if not messages:
            continue
        lines = [line_of(message) for message in messages]
        following = {message.partition(): message.offset() + 1 for message in messages}
        try:
            consumer.commit(offsets=[TopicPartition(options.topic, *place) for place in following.items()], asynchronous=False)
        except KafkaException as error:
            print(error, file=sys.stderr)
        sys.stdout.write(''.join(lines))
        sys.stdout.flush()
    consumer.close()


def consume(options):
    consumer = new_member(options)
    lines, following = [], {}
    deadline = time.monotonic() + options.timeout
    while len(lines) < options.count and time.monotonic() < deadline:
        for message in consumer.consume(min(500, options.count - len(lines)), 0.5):
            lines.append(line_of(message))
            following[message.partition()] = message.offset() + 1
    sys.stdout.write(''.join(lines))
    if following:
        committed = consumer.commit(
            offsets=[TopicPartition(options.topic, partition, offset) for partition, offset in following.items()], asynchronous=False
        )
        for partition in committed:
            if partition.error is not None:
                raise KafkaException(partition.error)
    consumer.close()
    if len(lines) < options.count:
        raise SystemExit(f'{len(lines)} of {options.count} records came in {options.timeout} s')


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for name, run in (('produce', produce), ('consume', consume), ('follow', follow)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument('--bootstrap', required=True)
        command.add_argument('--topic', required=True)
        if run is produce:
            command.add_argument('--codec', required=True)
            command.add_argument('--input', required=True)
            command.add_argument('--idempotent', action='store_true')
        else:
            command.add_argument('--group', required=True)
        if run is consume:
            command.add_argument('--count', type=int, required=True)
            command.add_argument('--timeout', type=float, required=True)
    options = parser.parse_args()
    options.run(options)


main()
