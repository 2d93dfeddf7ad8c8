import type { Dashboard, FieldConfig, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import type { Options as StatOptions } from '@grafana/grafana-foundation-sdk/stat';
import type {
  FieldConfig as TimeSeriesField,
  Options as TimeSeriesOptions,
} from '@grafana/grafana-foundation-sdk/timeseries';

/** What JSON has of a type: an enum's values in place of the enum. */
type Plain<T> = 0 extends 1 & T
  ? unknown
  : T extends string
    ? `${T}`
    : T extends readonly (infer Item)[]
      ? Plain<Item>[]
      : T extends object
        ? { [K in keyof T]: Plain<T[K]> }
        : T;

type Override<T, U> = { [K in keyof T as K extends keyof U ? never : K]: T[K] } & U;

type PrometheusQuery = Plain<Omit<dataquery, '_implementsDataqueryVariant'>>;

/** A panel of ours: what Grafana's model leaves open, its plugin's own model says. */
interface PanelOf<Type extends string, Options, Custom> {
  readonly type: Type;
  readonly options: Options;
  readonly targets: PrometheusQuery[];
  readonly fieldConfig: {
    readonly defaults: Override<Plain<FieldConfig>, { readonly custom?: Custom }>;
    readonly overrides: Plain<NonNullable<Panel['fieldConfig']>['overrides']>;
  };
}
type OwnPanel =
  | Override<Plain<Panel>, PanelOf<'timeseries', Plain<TimeSeriesOptions>, Plain<TimeSeriesField>>>
  | Override<Plain<Panel>, PanelOf<'stat', Plain<StatOptions>, never>>;

/** The dashboard's file by Grafana's published model, and that of the panels and queries that it has. */
export type GrafanaDashboard = Override<Plain<Dashboard>, { readonly panels: (Plain<RowPanel> | OwnPanel)[] }>;
