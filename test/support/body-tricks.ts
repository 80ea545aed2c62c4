/** A body and what a condition on its key is told of it; `refused` where no reading may be trusted. */
export interface BodyTrick {
  readonly name: string;
  readonly bytes: Buffer;
  /** The text at the key, `absent` where there is none. */
  readonly model: string;
}

function trick(name: string, body: string | Buffer, model: BodyTrick['model'] = 'refused'): BodyTrick {
  return { name, bytes: Buffer.from(body), model };
}

/** The first letter in hex, for an escape. */
function hex(text: string): string {
  return text.charCodeAt(0).toString(16).padStart(4, '0');
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Members of an object, more than are held against each other one by one. */
const MANY = Array.from({ length: 40 }, (_, index) => `"k${index}":0`).join();

/**
 * Bodies that readers of JSON have read differently, and their plain neighbours.
 *
 * @param key what decides the price
 * @param cheap a value of it that costs less than `dear`
 */
export function bodyTricks(key = 'model', cheap = 'cheap', dear = 'dear'): readonly BodyTrick[] {
  const CHEAP = `{"${key}":"${cheap}"}`;
  return [
    trick('plain', CHEAP, cheap),
    trick('with spaces of all four kinds', ` \t\r\n{ "${key}" :\n"${cheap}"\t}\r\n`, cheap),
    trick('an escaped value', `{"${key}":"\\u${hex(cheap)}${cheap.slice(1)}"}`, cheap),
    trick('an escaped key', `{"\\u${hex(key)}${key.slice(1)}":"${dear}"}`, dear),
    trick('a slash that need not be escaped', `{"${key}":"a\\/b"}`, 'a/b'),
    trick('the key elsewhere', `{"a":{"${key}":"${dear}"},"${key}":"${cheap}"}`, cheap),
    trick('no such key', '{"other":1}', 'absent'),
    trick('null', `{"${key}":null}`, 'absent'),
    trick('a number', `{"${key}":1.50e1}`, '15'),
    trick('a surrogate pair', `{"${key}":"\\ud83d\\ude00"}`, '😀'),
    trick('many objects side by side', `{"a":[${`{"${key}":"x"},`.repeat(50)}1],"${key}":"${cheap}"}`, cheap),
    trick('nested 64 deep', `{"a":${'['.repeat(63)}${']'.repeat(63)},"${key}":"${cheap}"}`, cheap),
    trick('a key twice', `{"${key}":"${cheap}","${key}":"${dear}"}`),
    trick('a key twice, the dear one first', `{"${key}":"${dear}","${key}":"${cheap}"}`),
    trick('a key twice after unescaping', `{"${key}":"${cheap}","\\u${hex(key)}${key.slice(1)}":"${dear}"}`),
    trick('a key in another case, which Go takes for the same', `{"${key}":"${cheap}","${capital(key)}":"${dear}"}`),
    trick('a key in another case alone', `{"${key.toUpperCase()}":"${dear}"}`),
    trick('another key twice in the same object', `{"a":1,"a":2,"${key}":"${cheap}"}`),
    trick('a key twice deep within', `{"${key}":"${cheap}","a":{"b":1,"b":2}}`),
    trick('a key twice among many', `{${MANY},"k7":1,"${key}":"${cheap}"}`),
    trick('a key twice behind many', `{${MANY},"${key}":"${cheap}","a":1,"${key}":"${dear}"}`),
    trick('a key twice behind many, once escaped', `{${MANY},"${key}":"${cheap}","\\u${hex(key)}${key.slice(1)}":1}`),
    trick('many keys, some of them again within', `{${MANY},"a":{${MANY},"${key}":1},"${key}":"${cheap}"}`, cheap),
    trick('keys of an inner object after it', `{"a":{"b":1,"c":2},"b":1,"c":2,"${key}":"${cheap}"}`, cheap),
    trick('other letters than ASCII', `{"é":"ü","😀":["\\u00e9é"],"${key}":"${cheap}"}`, cheap),
    trick('a key twice among other letters than ASCII', `{"é":1,"${key}":"${cheap}","\\u00e9":2}`),
    trick('a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(CHEAP)])),
    trick('UTF-16', Buffer.from(CHEAP, 'utf16le')),
    trick('UTF-16 with a mark', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(CHEAP, 'utf16le')])),
    trick('NUL before it', Buffer.concat([Buffer.from([0]), Buffer.from(CHEAP)])),
    trick('NUL after it', Buffer.concat([Buffer.from(CHEAP), Buffer.from([0])])),
    trick('NUL in the key', `{"${key}\\u0000":"${dear}","${key}":"${cheap}"}`),
    trick('NUL in the value', `{"${key}":"${cheap}\\u0000${dear}"}`),
    trick('a raw control character', `{"${key}":"${cheap}\n"}`),
    trick('invalid UTF-8 in a value', Buffer.from(`{"${key}":"${cheap}","a":"\xff"}`, 'latin1')),
    trick('an overlong encoding', Buffer.from(`{"${key}":"${cheap}","a":"\xc0\xaf"}`, 'latin1')),
    trick('a surrogate in UTF-8', Buffer.from(`{"${key}":"${cheap}","a":"\xed\xa0\x80"}`, 'latin1')),
    trick('half of a surrogate pair', `{"${key}":"${cheap}\\ud800"}`),
    trick('half of a surrogate pair elsewhere', `{"${key}":"${cheap}","a":"\\ud83dx"}`),
    trick('half of a surrogate pair, then another escape', `{"${key}":"${cheap}","a":"\\ud83d\\n"}`),
    trick('two first halves of a surrogate pair', `{"${key}":"${cheap}","a":"\\ud83d\\ud83d\\ude00"}`),
    trick('half of a surrogate pair in a key', `{"${key}":"${cheap}","a\\udc00":1}`),
    trick('a surrogate pair turned round', `{"${key}":"\\ude00\\ud83d"}`),
    trick('a number beyond a double', `{"${key}":1e400}`),
    trick('a number that doubles round', `{"${key}":9007199254740993}`),
    trick('minus zero', `{"${key}":-0}`),
    trick('minus zero with a point', `{"${key}":-0.0}`),
    trick('a tiny number', `{"${key}":1e-400}`),
    trick('a leading zero', `{"${key}":01}`),
    trick('a leading plus', `{"${key}":+1}`),
    trick('a number without digits after its point', `{"${key}":1.}`),
    trick('a number without digits in its power', `{"${key}":"${cheap}","a":1e}`),
    trick('a sign alone', `{"${key}":"${cheap}","a":-}`),
    trick('a point first', `{"${key}":"${cheap}","a":.5}`),
    trick('hex', `{"${key}":0x10}`),
    trick('NaN', `{"${key}":NaN}`),
    trick('NaN elsewhere', `{"${key}":"${cheap}","a":NaN}`),
    trick('Infinity elsewhere', `{"${key}":"${cheap}","a":-Infinity}`),
    trick('a comment', `{"${key}":"${cheap}"/*,"${key}":"${dear}"*/}`),
    trick('a line comment', `{"${key}":"${cheap}"}//`),
    trick('a hash comment', `#\n{"${key}":"${cheap}"}`),
    trick('a trailing comma', `{"${key}":"${cheap}",}`),
    trick('a trailing comma in a list', `{"a":[1,],"${key}":"${cheap}"}`),
    trick('single quotes', `{'${key}':'${cheap}'}`),
    trick('a key without quotes', `{${key}:"${cheap}"}`),
    trick('bytes after it', `${CHEAP}x`),
    trick('a second value after it', `${CHEAP}{"${key}":"${dear}"}`),
    trick('a second value on a line of its own', `${CHEAP}\n{"${key}":"${dear}"}`),
    trick('a form feed around it', `\f${CHEAP}`),
    trick('a no-break space around it', `\u00a0${CHEAP}`),
    trick('an unknown escape', `{"${key}":"\\x63${cheap.slice(1)}"}`),
    trick('an escape with letters that are no digits', `{"${key}":"${cheap}","a":"\\u00g0"}`),
    trick('an escape with a sign', `{"${key}":"${cheap}","a":"\\u-123"}`),
    trick('an escape with a capital U', `{"${key}":"${cheap}","a":"\\U0041"}`),
    trick('a backslash at the end', `{"${key}":"${cheap}\\`),
    trick('an escape that is cut off', `{"${key}":"\\u00`),
    trick('cut off', `{"${key}":"${cheap}"`),
    trick('a missing colon', `{"${key}" "${cheap}"}`),
    trick('a missing comma', `{"${key}":"${cheap}" "a":1}`),
    trick('a missing value', `{"${key}":}`),
    trick('true in capitals', `{"${key}":True}`),
    trick('spaces only', '  '),
    trick('nested 65 deep', `{"a":${'['.repeat(64)}${']'.repeat(64)},"${key}":"${cheap}"}`),
    trick('nested without end', '['.repeat(200_000)),
    trick('a form', `${key}=${cheap}`),
  ];
}

/** The same for `/model`, `cheap` and `dear`. */
export const BODY_TRICKS = bodyTricks();
