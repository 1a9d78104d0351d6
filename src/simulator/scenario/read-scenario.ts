import { ConfigError } from '../../domain/errors.ts';
import { type Scenario, scenarioSchema } from './schema.ts';

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A history as it was written down; throws one sentence where the text is none. */
export const readScenario = (file: string, text: string): Scenario => {
  const { success, data, error } = scenarioSchema.safeParse(parsed(text));
  if (success) return data;
  const why = error.issues.map(({ path, message }) => `${path.join('.') || 'all of it'}: ${message}`).join('; ');
  throw new ConfigError(`${file} is no scenario: ${why}`, { code: 'no-scenario', retryable: false });
};
