import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The whole integration with a Java backend in one file of plain JDK 17: a token, a file that the service fetches, the signed
 * callback, and a search. Java's side (file lookup, download, parse-status) is a small server in this process.
 *
 * <pre>
 * JAVA_BASE_URL=http://127.0.0.1:9000 OSS_HOSTS=127.0.0.1 JWT_SECRET=… CALLBACK_SECRET=… npm start
 * JWT_SECRET=… CALLBACK_SECRET=… java clients/java/InsightRagExample.java http://127.0.0.1:8000 9000
 * </pre>
 */
public final class InsightRagExample {
    private static final String TEACHER = "001";
    private static final String FILE_ID = "file-java-example";
    private static final String FILE_NAME = "教案.md";
    private static final String LESSON = "# 二次函数\n\n二次函数的图像是抛物线。顶点公式给出抛物线的顶点坐标。\n";
    private static final Duration CLOCK_TOLERANCE = Duration.ofMinutes(5);

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private final String service;
    private final byte[] callbackSecret;
    private final BlockingQueue<String> statuses = new LinkedBlockingQueue<>();
    /** Event ids seen before; a real backend keeps them for 72 hours, which is how long repeats are sent. */
    private final Set<String> seen = ConcurrentHashMap.newKeySet();

    private InsightRagExample(String service, String callbackSecret) {
        this.service = service;
        this.callbackSecret = callbackSecret.getBytes(StandardCharsets.UTF_8);
    }

    public static void main(String[] arguments) throws Exception {
        String service = arguments.length > 0 ? arguments[0] : "http://127.0.0.1:8000";
        int port = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 9000;
        InsightRagExample example = new InsightRagExample(service, needed("CALLBACK_SECRET"));
        HttpServer backend = example.startBackend(port);
        try {
            example.run(token(needed("JWT_SECRET"), TEACHER, Instant.now().plusSeconds(3600)));
        } finally {
            backend.stop(0);
        }
    }

    /** What the backend does once a teacher has uploaded a file, and what an agent asks later. */
    private void run(String token) throws Exception {
        HttpResponse<String> accepted = call("POST", "/api/internal/documents/parse", token, "{\"fileId\":\"" + FILE_ID + "\"}");
        if (accepted.statusCode() != 202) throw refused("parse", accepted);
        System.out.println("accepted: job " + field(accepted.body(), "jobId"));

        for (String status = ""; !status.equals("completed");) {
            status = statuses.poll(60, TimeUnit.SECONDS);
            if (status == null) throw new IllegalStateException("no callback within a minute");
            System.out.println("callback: " + status);
            if (status.equals("failed")) throw new IllegalStateException("the document could not be read");
        }

        HttpResponse<String> found = call("POST", "/api/search", token, "{\"query\":\"抛物线的顶点\",\"topK\":3,\"includePublic\":false}");
        if (found.statusCode() != 200) throw refused("search", found);
        System.out.println("found: " + field(found.body(), "source") + ": " + field(found.body(), "content").lines().reduce((a, b) -> b).orElse(""));
    }

    private HttpResponse<String> call(String method, String path, String token, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(service + path))
            .timeout(Duration.ofSeconds(30))
            .header("Authorization", "Bearer " + token)
            .header("Content-Type", "application/json")
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString());
    }

    private static IllegalStateException refused(String what, HttpResponse<String> answer) {
        return new IllegalStateException(what + " was refused: " + answer.statusCode() + " " + field(answer.body(), "code") + ": " + field(answer.body(), "message"));
    }

    // ── What the service asks of the backend ──

    private HttpServer startBackend(int port) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        String files = "/api/studio/teacher/me/files/" + FILE_ID;
        String address = "http://127.0.0.1:" + server.getAddress().getPort() + "/storage/lesson?signature=stand-in";
        server.createContext(files, exchange -> answer(exchange, 200,
            "{\"code\":200,\"message\":\"ok\",\"data\":{\"fileName\":\"" + FILE_NAME + "\",\"mimeType\":\"text/markdown\"}}"));
        server.createContext(files + "/download", exchange -> answer(exchange, 200,
            "{\"code\":200,\"message\":\"ok\",\"data\":{\"signedUrl\":\"" + address + "\",\"expiresIn\":3600}}"));
        server.createContext("/storage/lesson", exchange -> answer(exchange, 200, LESSON));
        server.createContext(files + "/parse-status", this::parseStatus);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        }));
        server.start();
        return server;
    }

    /** 401 for a wrong signature; a repeat is answered like the first time and not acted on. */
    private void parseStatus(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        String event = exchange.getRequestHeaders().getFirst("X-Event-Id");
        String timestamp = exchange.getRequestHeaders().getFirst("X-Timestamp");
        String signature = exchange.getRequestHeaders().getFirst("X-Signature");
        if (!verify(event, timestamp, signature, body, Instant.now())) {
            answer(exchange, 401, "{\"code\":401,\"message\":\"bad signature\"}");
            return;
        }
        if (seen.add(event)) statuses.add(field(new String(body, StandardCharsets.UTF_8), "parseStatus"));
        answer(exchange, 200, "{\"code\":200,\"message\":\"ok\"}");
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", body.startsWith("{") ? "application/json" : "text/markdown; charset=utf-8");
        exchange.sendResponseHeaders(status, bytes.length);
        try (var out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    // ── Tokens and signatures ──

    /** Body: the bytes as they were received, before any JSON parsing. False for a wrong signature and for one older than five minutes. */
    boolean verify(String event, String timestamp, String signature, byte[] body, Instant now) {
        if (event == null || signature == null || timestamp == null || !timestamp.matches("\\d{1,12}")) return false;
        Duration age = Duration.between(Instant.ofEpochSecond(Long.parseLong(timestamp)), now).abs();
        byte[] prefix = (event + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8);
        String expected = "v1=" + HexFormat.of().formatHex(hmac(callbackSecret, prefix, body));
        return age.compareTo(CLOCK_TOLERANCE) <= 0
            && MessageDigest.isEqual(expected.getBytes(StandardCharsets.UTF_8), signature.getBytes(StandardCharsets.UTF_8));
    }

    /** HS256, as the backend's sign-in would issue it; with RS256 the service needs JWT_PUBLIC_KEY or JWT_JWKS_URL instead. */
    static String token(String secret, String teacherId, Instant expires) {
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        String header = base64.encodeToString("{\"alg\":\"HS256\",\"typ\":\"JWT\"}".getBytes(StandardCharsets.UTF_8));
        String claims = base64.encodeToString(
            ("{\"teacherId\":\"" + teacherId + "\",\"exp\":" + expires.getEpochSecond() + "}").getBytes(StandardCharsets.UTF_8));
        byte[] signed = (header + "." + claims).getBytes(StandardCharsets.UTF_8);
        return header + "." + claims + "." + base64.encodeToString(hmac(secret.getBytes(StandardCharsets.UTF_8), signed));
    }

    private static byte[] hmac(byte[] key, byte[]... parts) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            for (byte[] part : parts) mac.update(part);
            return mac.doFinal();
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("every JDK has HmacSHA256", impossible);
        }
    }

    // ── Small things ──

    /** The first text of that name in a JSON text. Enough for an example without libraries; a backend uses its JSON mapper. */
    static String field(String json, String name) {
        Matcher found = Pattern.compile("\"" + Pattern.quote(name) + "\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
        return found.find() ? found.group(1).replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\") : "";
    }

    private static String needed(String name) {
        String value = System.getenv(name);
        if (value == null || value.isEmpty()) throw new IllegalArgumentException(name + " must be set, to the same value as in the service");
        return value;
    }
}
