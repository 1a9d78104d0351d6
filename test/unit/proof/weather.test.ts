import { describe, expect, it } from 'vitest';
import { createWeather } from '../../proof/soak/weather.ts';

const begin = () => {
  let now = 0;
  const weather = createWeather(() => now);
  const at = (ms: number) => {
    now = ms;
    return weather.seen();
  };
  return { weather, at };
};

describe('the soak’s weather', () => {
  it('is calm from the beginning, and since then', () => {
    const { at } = begin();
    expect(at(0)).toMatchObject({ calmSinceMs: 0, ableSinceMs: 0, darkSinceMs: undefined, duskSinceMs: undefined });
    expect(at(500)).toMatchObject({ calmSinceMs: 0, ableSinceMs: 0 });
  });

  it('lets nobody act while the daemon is away, and is calm again when that is not felt any more', () => {
    const { weather, at } = begin();
    at(0);
    const end = weather.begin('daemon');
    expect(at(100)).toMatchObject({ calmSinceMs: undefined, ableSinceMs: undefined });
    expect(weather.free('daemon')).toBe(false);
    end(50);
    expect(at(120)).toMatchObject({ calmSinceMs: undefined, ableSinceMs: 100 });
    expect(at(150)).toMatchObject({ calmSinceMs: 150, ableSinceMs: 100 });
    expect(weather.free('daemon')).toBe(true);
  });

  it('is dusk without one endpoint and dark without both', () => {
    const { weather, at } = begin();
    const one = weather.begin('endpoint');
    expect(at(10)).toMatchObject({ ableSinceMs: 0, duskSinceMs: 0, darkSinceMs: undefined });
    const other = weather.begin('endpoint');
    expect(at(20)).toMatchObject({ ableSinceMs: undefined, duskSinceMs: 0, darkSinceMs: 10 });
    one(0);
    expect(at(30)).toMatchObject({ ableSinceMs: 20, duskSinceMs: 0, darkSinceMs: undefined });
    other(0);
    expect(at(40)).toMatchObject({ duskSinceMs: undefined });
  });
});
