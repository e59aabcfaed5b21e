import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Keeps a correct copy of hadir.tpp.month.v1 in a journal: state and position in one line, flushed to disk; older versions ignored.
 * Verbs: follow (for ever; kill it whenever you like), once (up to what the topic holds now), show. Environment: KAFKA, COPY (file);
 * KAFKA_USER, KAFKA_PASSWORD, KAFKA_CA where a login is asked for.
 */
public class TppMonth {
    static final String TOPIC = "hadir.tpp.month.v1";
    static final ObjectMapper JSON = new ObjectMapper();
    static final SortedMap<String, JsonNode> months = new TreeMap<>();
    static final Map<String, Long> positions = new TreeMap<>();

    public static void main(String[] verb) throws IOException {
        Path journal = Path.of(System.getenv("COPY"));
        read(journal);
        if (verb[0].equals("show")) {
            months.forEach((key, month) -> System.out.println(key + " " + month));
            return;
        }
        Path fresh = journal.resolveSibling(journal.getFileName() + ".new");  // one line instead of the whole history
        try (FileChannel file = FileChannel.open(fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            append(file, JSON.createObjectNode().<ObjectNode>set("months", JSON.valueToTree(months)).set("positions", JSON.valueToTree(positions)));
        }
        Files.move(fresh, journal, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel file = FileChannel.open(journal, StandardOpenOption.APPEND)) {
            follow(file, verb[0].equals("once"));
        }
    }

    static void follow(FileChannel journal, boolean once) throws IOException {
        try (var consumer = new KafkaConsumer<>(settings(), new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> places = consumer.partitionsFor(TOPIC).stream().map(p -> new TopicPartition(TOPIC, p.partition())).toList();
            consumer.assign(places);  // no group: the position is the one that was stored with the state
            consumer.seekToBeginning(places);
            places.forEach(place -> Optional.ofNullable(positions.get("" + place.partition())).ifPresent(at -> consumer.seek(place, at)));
            Map<TopicPartition, Long> ends = consumer.endOffsets(places);
            while (!once || places.stream().anyMatch(place -> consumer.position(place) < ends.get(place))) {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(500));
                if (records.isEmpty()) continue;
                ObjectNode line = JSON.createObjectNode();
                ObjectNode changed = line.putObject("months"), moved = line.putObject("positions");
                for (ConsumerRecord<String, String> record : records) {
                    JsonNode month = record.value() == null ? JSON.nullNode() : JSON.readTree(record.value());
                    JsonNode known = changed.has(record.key()) ? changed.get(record.key()) : months.get(record.key());
                    // The rule for outsiders: a version that is not greater changes nothing; no value means the key is no more.
                    if (known == null || known.isNull() || month.isNull() || month.get("version").asLong() > known.get("version").asLong())
                        changed.set(record.key(), month);
                    moved.put("" + record.partition(), record.offset() + 1);
                }
                append(journal, line);
                apply(line);
                System.out.println("stored " + records.count() + " records");
            }
        }
    }

    static void read(Path journal) throws IOException {
        String text = Files.exists(journal) ? Files.readString(journal) : "";
        for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) apply(JSON.readTree(line));  // a torn last line never counted
    }

    static void apply(JsonNode line) {
        line.get("months").fields().forEachRemaining(e -> { if (e.getValue().isNull()) months.remove(e.getKey()); else months.put(e.getKey(), e.getValue()); });
        line.get("positions").fields().forEachRemaining(e -> positions.put(e.getKey(), e.getValue().asLong()));
    }

    static void append(FileChannel file, JsonNode line) throws IOException {
        for (ByteBuffer left = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)); left.hasRemaining(); ) file.write(left);
        file.force(true);
    }

    static Map<String, Object> settings() {
        Map<String, Object> all = new HashMap<>(Map.of("bootstrap.servers", System.getenv("KAFKA"), "auto.offset.reset", "earliest"));
        if (System.getenv("KAFKA_USER") != null)
            all.putAll(Map.of("security.protocol", "SASL_SSL", "sasl.mechanism", "SCRAM-SHA-512", "ssl.truststore.type", "PEM",
                "ssl.truststore.location", System.getenv("KAFKA_CA"), "sasl.jaas.config", String.format(
                    "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";",
                    System.getenv("KAFKA_USER"), System.getenv("KAFKA_PASSWORD"))));
        return all;
    }
}
