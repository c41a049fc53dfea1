<?php
// Receives events: WEBHOOK_SECRET=whsec_… php -S "127.0.0.1:8080" index.php

declare(strict_types=1);

const LIMIT = 64 * 1024;
$key = (string) base64_decode(preg_replace('/^whsec_/', '', (string) getenv('WEBHOOK_SECRET')), true);
if (strlen($key) < 24) {
    error_log('WEBHOOK_SECRET is not whsec_ and base64 of 24 bytes or more');
    http_response_code(500);
    exit(1);
}

function isAuthentic(string $key, string $id, string $timestamp, string $signatures, string $body): bool
{
    if ($id === '' || !preg_match('/^[0-9]{1,12}$/D', $timestamp) || abs(time() - (int) $timestamp) > 300) {
        return false;
    }
    $right = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    foreach (explode(' ', $signatures) as $given) {
        if (hash_equals($right, $given)) {
            return true;
        }
    }
    return false;
}

function receive(string $key): int
{
    $body = (string) file_get_contents('php://input', false, null, 0, LIMIT + 1);
    if (strlen($body) > LIMIT) {
        return 413;
    }
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!isAuthentic($key, $id, $timestamp, $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '', $body)) {
        return 401;
    }
    $event = json_decode($body, true);
    if (!is_array($event) || !is_string($event['type'] ?? null)) {
        return 400;
    }
    // A real receiver needs a table: all servers share it. PHP forgets variables after each request, so this is a file.
    $seen = fopen(sys_get_temp_dir() . '/events-seen', 'c+');
    flock($seen, LOCK_EX);
    if (!in_array($id, explode("\n", stream_get_contents($seen)), true)) {
        file_put_contents('php://stdout', "$id {$event['type']}\n");
        fwrite($seen, "$id\n");
    }
    return 204;
}

http_response_code(receive($key));
