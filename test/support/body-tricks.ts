/** A body and what a condition on `/model` is told of it; `refused` where no reading may be trusted. */
export interface BodyTrick {
  readonly name: string;
  readonly bytes: Buffer;
  /** The text at `/model`, `absent` where there is none. */
  readonly model: string;
}

/** Of the price table under test, where `cheap` costs less than `dear`. */
const CHEAP = '{"model":"cheap"}';

function trick(name: string, body: string | Buffer, model: BodyTrick['model'] = 'refused'): BodyTrick {
  return { name, bytes: Buffer.from(body), model };
}

/** Bodies that readers of JSON have read differently, and their plain neighbours. */
export const BODY_TRICKS: readonly BodyTrick[] = [
  trick('plain', CHEAP, 'cheap'),
  trick('with spaces of all four kinds', ' \t\r\n{ "model" :\n"cheap"\t}\r\n', 'cheap'),
  trick('an escaped value', '{"model":"\\u0063he\\u0061p"}', 'cheap'),
  trick('an escaped key', '{"\\u006dodel":"dear"}', 'dear'),
  trick('a slash that need not be escaped', '{"model":"a\\/b"}', 'a/b'),
  trick('the key elsewhere', '{"a":{"model":"dear"},"model":"cheap"}', 'cheap'),
  trick('no such key', '{"other":1}', 'absent'),
  trick('null', '{"model":null}', 'absent'),
  trick('a number', '{"model":1.50e1}', '15'),
  trick('a surrogate pair', '{"model":"\\ud83d\\ude00"}', '😀'),
  trick('many objects side by side', `{"a":[${'{"model":"x"},'.repeat(50)}1],"model":"cheap"}`, 'cheap'),
  trick('nested 64 deep', `{"a":${'['.repeat(63)}${']'.repeat(63)},"model":"cheap"}`, 'cheap'),
  trick('a key twice', '{"model":"cheap","model":"dear"}'),
  trick('a key twice, the dear one first', '{"model":"dear","model":"cheap"}'),
  trick('a key twice after unescaping', '{"model":"cheap","\\u006dodel":"dear"}'),
  trick('a key in another case, which Go takes for the same', '{"model":"cheap","Model":"dear"}'),
  trick('a key in another case alone', '{"MODEL":"dear"}'),
  trick('another key twice in the same object', '{"a":1,"a":2,"model":"cheap"}'),
  trick('a key twice deep within', '{"model":"cheap","a":{"b":1,"b":2}}'),
  trick('a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(CHEAP)])),
  trick('UTF-16', Buffer.from(CHEAP, 'utf16le')),
  trick('UTF-16 with a mark', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(CHEAP, 'utf16le')])),
  trick('NUL before it', Buffer.concat([Buffer.from([0]), Buffer.from(CHEAP)])),
  trick('NUL after it', Buffer.concat([Buffer.from(CHEAP), Buffer.from([0])])),
  trick('NUL in the key', '{"model\\u0000":"dear","model":"cheap"}'),
  trick('NUL in the value', '{"model":"cheap\\u0000dear"}'),
  trick('a raw control character', '{"model":"cheap\n"}'),
  trick('invalid UTF-8 in a value', Buffer.from('{"model":"cheap","a":"\xff"}', 'latin1')),
  trick('an overlong encoding', Buffer.from('{"model":"cheap","a":"\xc0\xaf"}', 'latin1')),
  trick('a surrogate in UTF-8', Buffer.from('{"model":"cheap","a":"\xed\xa0\x80"}', 'latin1')),
  trick('half of a surrogate pair', '{"model":"cheap\\ud800"}'),
  trick('half of a surrogate pair in a key', '{"model":"cheap","a\\udc00":1}'),
  trick('a surrogate pair turned round', '{"model":"\\ude00\\ud83d"}'),
  trick('a number beyond a double', '{"model":1e400}'),
  trick('a number that doubles round', '{"model":9007199254740993}'),
  trick('minus zero', '{"model":-0}'),
  trick('minus zero with a point', '{"model":-0.0}'),
  trick('a tiny number', '{"model":1e-400}'),
  trick('a leading zero', '{"model":01}'),
  trick('a leading plus', '{"model":+1}'),
  trick('a number without digits after its point', '{"model":1.}'),
  trick('hex', '{"model":0x10}'),
  trick('NaN', '{"model":NaN}'),
  trick('NaN elsewhere', '{"model":"cheap","a":NaN}'),
  trick('Infinity elsewhere', '{"model":"cheap","a":-Infinity}'),
  trick('a comment', '{"model":"cheap"/*,"model":"dear"*/}'),
  trick('a line comment', '{"model":"cheap"}//'),
  trick('a hash comment', '#\n{"model":"cheap"}'),
  trick('a trailing comma', '{"model":"cheap",}'),
  trick('a trailing comma in a list', '{"a":[1,],"model":"cheap"}'),
  trick('single quotes', "{'model':'cheap'}"),
  trick('a key without quotes', '{model:"cheap"}'),
  trick('bytes after it', `${CHEAP}x`),
  trick('a second value after it', `${CHEAP}{"model":"dear"}`),
  trick('a second value on a line of its own', `${CHEAP}\n{"model":"dear"}`),
  trick('a form feed around it', `\f${CHEAP}`),
  trick('a no-break space around it', `\u00a0${CHEAP}`),
  trick('an unknown escape', '{"model":"\\x63heap"}'),
  trick('an escape that is cut off', '{"model":"\\u00'),
  trick('cut off', '{"model":"cheap"'),
  trick('a missing colon', '{"model" "cheap"}'),
  trick('a missing comma', '{"model":"cheap" "a":1}'),
  trick('a missing value', '{"model":}'),
  trick('true in capitals', '{"model":True}'),
  trick('spaces only', '  '),
  trick('nested 65 deep', `{"a":${'['.repeat(64)}${']'.repeat(64)},"model":"cheap"}`),
  trick('nested without end', '['.repeat(200_000)),
  trick('a form', 'model=cheap'),
];
