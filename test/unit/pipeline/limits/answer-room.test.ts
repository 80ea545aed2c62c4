import { describe, expect, it } from 'vitest';
import { AnswerRoom } from '../../../../src/pipeline/limits/answer-room.ts';

describe('the room for kept answers', () => {
  it('is shared by all answers that are held, and free again when they are released', () => {
    const room = new AnswerRoom();
    const [first, second] = [room.hold(100), room.hold(100)];
    expect([first.take(60), second.take(40), second.take(1)]).toEqual([true, true, false]);
    expect([first.refused, second.refused]).toEqual([false, true]);
    first.release();
    first.release();
    const third = room.hold(100);
    expect([third.take(60), third.take(1)]).toEqual([true, false]);
  });

  it('takes no more of an answer that did not fit', () => {
    const room = new AnswerRoom();
    const hold = room.hold(10);
    expect([hold.take(11), hold.take(1)]).toEqual([false, false]);
  });

  it('is bounded in the store by what was counted and what was kept since', async () => {
    let now = 0;
    let counts = 0;
    let stored = 50;
    const room = new AnswerRoom(() => now);
    const count = async () => {
      counts += 1;
      return stored;
    };
    const fits = (bytes: number) => room.storeHasRoom(bytes, 100, count);
    expect([await fits(30), await fits(30), await fits(20), await fits(1)]).toEqual([true, false, true, false]);
    expect(counts).toBe(1);
    stored = 10;
    now += 1000;
    expect([await fits(90), await fits(1)]).toEqual([true, false]);
    expect(counts).toBe(2);
  });

  it('is bounded for simultaneous answers too', async () => {
    const room = new AnswerRoom(() => 0);
    const answers = await Promise.all(Array.from({ length: 50 }, () => room.storeHasRoom(10, 100, async () => 0)));
    expect(answers.filter(Boolean)).toHaveLength(10);
  });
});
