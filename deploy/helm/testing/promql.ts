import { parser } from '@prometheus-io/lezer-promql';

/** Whether an expression is in the grammar of Prometheus, by its own grammar for editors: types and functions are left to promtool. */
export function isPromQl(expression: string): boolean {
  let isValid = true;
  parser.parse(expression).iterate({
    enter({ type }) {
      if (type.isError) isValid = false;
    },
  });
  return isValid;
}
