import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

/**
 * Batches as Apache Kafka's own library writes them, and what it reads from the batches of others.
 *   write DIR   one file per batch, and batches.json: what was put into each
 *   read FILE…  one line of JSON per record of each file, in the form of batches.json
 */
public class GoldenBatches {
    record Row(long timestamp, byte[] key, byte[] value, Header... headers) { }

    static final long TIME = 1_700_000_000_000L;
    static final List<String> entries = new ArrayList<>();

    static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static final Row[] ROWS = {
        new Row(TIME, text("first"), text("a value"), new RecordHeader("trace", text("0af7651916cd43dd")), new RecordHeader("emptied", null)),
        new Row(TIME - 1500, null, text("a record without a key, and an earlier timestamp")),
        new Row(TIME + 86_400_000L, text("tombstone"), null),
        new Row(TIME + 7, text("größe-旅行"), text("repeated ".repeat(12)), new RecordHeader("größe", text("")), new RecordHeader("größe", text("twice"))),
        new Row(TIME - 3_000_000_000L, new byte[0], new byte[] {0, 1, 2, (byte) 0xff}),
    };

    static final class Case {
        String name;
        byte magic = RecordBatch.MAGIC_VALUE_V2;
        CompressionType codec = CompressionType.NONE;
        TimestampType timestampType = TimestampType.CREATE_TIME;
        long baseOffset = 0, logAppendTime = RecordBatch.NO_TIMESTAMP, producerId = -1, deleteHorizon = -1;
        short producerEpoch = -1;
        int baseSequence = -1, leaderEpoch = -1;
        boolean transactional = false;
        long[] offsets = null;

        Case(String name) {
            this.name = name;
        }

        void write(Path directory) throws Exception {
            Compression compression = Compression.of(codec).build();
            ByteBufferOutputStream stream = new ByteBufferOutputStream(4096);
            MemoryRecordsBuilder builder = new MemoryRecordsBuilder(stream, magic, compression, timestampType, baseOffset, logAppendTime,
                producerId, producerEpoch, baseSequence, transactional, false, leaderEpoch, 1 << 20, deleteHorizon);
            List<String> records = new ArrayList<>();
            for (int i = 0; i < ROWS.length; i++) {
                Row row = ROWS[i];
                long offset = offsets == null ? baseOffset + i : offsets[i];
                if (magic >= 2) builder.appendWithOffset(offset, row.timestamp, row.key, row.value, row.headers);
                else builder.appendWithOffset(offset, magic == 0 ? RecordBatch.NO_TIMESTAMP : row.timestamp, row.key, row.value);
                long timestamp = magic == 0 ? -1 : timestampType == TimestampType.LOG_APPEND_TIME ? logAppendTime : row.timestamp;
                records.add(json(offset, timestamp, row.key, row.value, magic >= 2 ? row.headers : new Header[0]));
            }
            MemoryRecords made = builder.build();
            save(directory, name, made.buffer(), magic, codec.name, timestampType, baseOffset, leaderEpoch, producerId, producerEpoch,
                baseSequence, transactional, false, records);
        }
    }

    static void save(Path directory, String name, ByteBuffer buffer, int magic, String codec, TimestampType timestampType, long baseOffset,
            int leaderEpoch, long producerId, int producerEpoch, int baseSequence, boolean transactional, boolean control,
            List<String> records) throws Exception {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        Files.write(directory.resolve(name + ".bin"), bytes);
        entries.add("  {\"name\": \"" + name + "\", \"magic\": " + magic + ", \"codec\": \"" + codec + "\", \"timestampType\": \"" + timestampType
            + "\", \"baseOffset\": " + baseOffset + ", \"leaderEpoch\": " + leaderEpoch + ", \"producerId\": " + producerId
            + ", \"producerEpoch\": " + producerEpoch + ", \"baseSequence\": " + baseSequence + ", \"isTransactional\": " + transactional
            + ", \"isControl\": " + control + ", \"records\": [" + (records.isEmpty() ? "" : "\n    " + String.join(",\n    ", records)) + "]}");
    }

    /** Bytes are given as hexadecimal digits. */
    static String json(long offset, long timestamp, byte[] key, byte[] value, Header[] headers) {
        StringBuilder all = new StringBuilder();
        for (Header header : headers) {
            all.append(all.length() == 0 ? "" : ", ").append("{\"key\": ").append('"').append(header.key()).append("\", \"value\": ")
                .append(hex(header.value())).append("}");
        }
        return "{\"offset\": " + offset + ", \"timestamp\": " + timestamp + ", \"key\": " + hex(key) + ", \"value\": " + hex(value)
            + ", \"headers\": [" + all + "]}";
    }

    static String hex(byte[] bytes) {
        if (bytes == null) return "null";
        StringBuilder digits = new StringBuilder("\"");
        for (byte one : bytes) digits.append(String.format("%02x", one));
        return digits.append('"').toString();
    }

    static void write(Path directory) throws Exception {
        for (CompressionType codec : CompressionType.values()) {
            Case plain = new Case("v2-" + codec.name);
            plain.codec = codec;
            plain.baseOffset = 5_000_000_000L;
            plain.leaderEpoch = 3;
            plain.write(directory);
        }
        for (CompressionType codec : new CompressionType[] {CompressionType.NONE, CompressionType.GZIP}) {
            Case appended = new Case("v2-" + codec.name + "-append-time");
            appended.codec = codec;
            appended.timestampType = TimestampType.LOG_APPEND_TIME;
            appended.logAppendTime = TIME + 12345;
            appended.write(directory);
        }
        Case idempotent = new Case("v2-none-idempotent");
        idempotent.producerId = 9_007_199_254_740_991L;
        idempotent.producerEpoch = 32_766;
        idempotent.baseSequence = 2_147_483_645;
        idempotent.write(directory);
        Case transactional = new Case("v2-zstd-transactional");
        transactional.codec = CompressionType.ZSTD;
        transactional.transactional = true;
        transactional.producerId = 4711;
        transactional.producerEpoch = 2;
        transactional.baseSequence = 10;
        transactional.write(directory);
        Case gaps = new Case("v2-none-gaps");
        gaps.baseOffset = 100;
        gaps.offsets = new long[] {100, 103, 104, 170, 9000};
        gaps.write(directory);
        Case horizon = new Case("v2-none-delete-horizon");
        horizon.deleteHorizon = TIME + 999;
        horizon.write(directory);
        for (CompressionType codec : new CompressionType[] {CompressionType.NONE, CompressionType.GZIP, CompressionType.SNAPPY, CompressionType.LZ4}) {
            for (byte magic = 0; magic <= 1; magic++) {
                Case old = new Case("v" + magic + "-" + codec.name);
                old.magic = magic;
                old.codec = codec;
                old.baseOffset = 100;
                old.write(directory);
            }
        }
        Case old = new Case("v1-gzip-append-time");
        old.magic = 1;
        old.codec = CompressionType.GZIP;
        old.timestampType = TimestampType.LOG_APPEND_TIME;
        old.logAppendTime = TIME + 12345;
        old.write(directory);
        marker(directory, "v2-commit-marker", ControlRecordType.COMMIT);
        marker(directory, "v2-abort-marker", ControlRecordType.ABORT);
        ByteBuffer empty = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
        DefaultRecordBatch.writeEmptyHeader(empty, (byte) 2, 4711, (short) 2, 10, 200, 204, 7, TimestampType.CREATE_TIME, TIME, true, false);
        empty.flip();
        save(directory, "v2-emptied", empty, 2, "none", TimestampType.CREATE_TIME, 200, 7, 4711, 2, 10, true, false, List.of());
        Files.writeString(directory.resolve("batches.json"), "[\n" + String.join(",\n", entries) + "\n]\n");
    }

    static void marker(Path directory, String name, ControlRecordType type) throws Exception {
        MemoryRecords made = MemoryRecords.withEndTransactionMarker(77, TIME, 5, 4711, (short) 2, new EndTransactionMarker(type, 42));
        byte[] key = {0, 0, 0, (byte) (type == ControlRecordType.COMMIT ? 1 : 0)};
        byte[] value = {0, 0, 0, 0, 0, 42};
        save(directory, name, made.buffer(), 2, "none", TimestampType.CREATE_TIME, 77, 5, 4711, 2, -1, true, true,
            List.of(json(77, TIME, key, value, new Header[0])));
    }

    static byte[] bytes(ByteBuffer buffer) {
        if (buffer == null) return null;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    static void read(String file) throws Exception {
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        for (RecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(Path.of(file)))).batches()) {
            batch.ensureValid();
            for (Record record : batch) {
                record.ensureValid();
                lines.write(text(json(record.offset(), record.timestamp(), bytes(record.key()), bytes(record.value()), record.headers()) + "\n"));
            }
        }
        System.out.write(lines.toByteArray());
        System.out.flush();
    }

    public static void main(String[] args) throws Exception {
        if (args[0].equals("write")) write(Path.of(args[1]));
        else for (int i = 1; i < args.length; i++) read(args[i]);
    }
}
