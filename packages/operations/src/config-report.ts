import {
  configProblems,
  describeSettings,
  loadConfig,
  unknownVariables,
  type ConfigProblem,
  type Environment,
  type SettingReport,
} from '@notion-mirror/service-kit/config';
import { settingsAdvice, type Advice } from './settings-advice.ts';

export interface ConfigurationReport {
  readonly settings: readonly { readonly [K in keyof SettingReport]: SettingReport[K] }[];
  readonly problems: readonly { readonly [K in keyof ConfigProblem]: ConfigProblem[K] }[];
  readonly unknown: readonly string[];
  readonly advice: readonly { readonly [K in keyof Advice]: Advice[K] }[];
}

export function checkConfiguration(env: Environment): ConfigurationReport {
  const problems = configProblems(env);
  const advice = problems.length === 0 ? settingsAdvice(loadConfig(env, 'cli')) : [];
  return { settings: describeSettings(env), problems, unknown: unknownVariables(env), advice };
}
