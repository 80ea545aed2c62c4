<?php
// Reads bodies as PHP does: lines of hex in, lines of JSON out.
function at($item, $key) {
    return is_object($item) && isset($item->{$key}) && is_string($item->{$key}) ? $item->{$key} : null;
}
while (($line = fgets(STDIN)) !== false) {
    $value = json_decode(hex2bin(trim($line)));
    $readings = [];
    if (is_object($value)) $readings[] = [at($value, $argv[1])];
    if (is_array($value)) $readings[] = array_map(fn($item) => at($item, $argv[1]), $value);
    echo json_encode($readings, JSON_UNESCAPED_SLASHES), "\n";
}
